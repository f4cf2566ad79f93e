import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Connection, ping, type Address } from '../../../src/cluster/http.ts'
import { openWriteClient, readRetryAfter } from '../../../src/cluster/write-client.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'
import { targetAt } from '../../rig/write-rig.ts'

const { signal } = new AbortController()

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    if ('closeAllConnections' in server) (server.closeAllConnections as () => void)()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const serve = async (listener: RequestListener) => `http://127.0.0.1:${await listen(createServer(listener))}`

const at = (url: string, tls: Partial<Address['tls']> = {}): Address => ({
  url,
  tls: { ca: undefined, insecure: false, ...tls },
})

/** A server with a certificate of its own making, for `localhost`. */
async function serveTls(): Promise<{ port: number; ca: string }> {
  const folder = await temporaryFolder()
  const key = join(folder, 'key.pem')
  const ca = join(folder, 'ca.pem')
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', [...made, '-keyout', key, '-out', ca, '-days', '2', ...names], { stdio: 'ignore' })
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(ca) }, (_, response) => {
    response.writeHead(204).end()
  })
  return { port: await listen(server), ca }
}

describe('ping', () => {
  it('says what answers', async () => {
    const url = await serve((request, response) => {
      expect([request.method, request.url, request.headers.authorization]).toEqual([
        'GET',
        '/ping',
        undefined,
      ])
      response.writeHead(204, { 'X-Influxdb-Build': 'cloud2', 'X-Influxdb-Version': 'v3' }).end()
    })
    expect(await ping(at(url), signal)).toEqual({
      build: 'cloud2',
      version: 'v3',
      date: expect.closeTo(Date.now(), -4) as number,
    })
  })

  it('keeps a path in the URL', async () => {
    const url = await serve((request, response) =>
      response.writeHead(request.url === '/in/ping' ? 204 : 404).end(),
    )
    await ping(at(`${url}/in`), signal)
    await expect(ping(at(url), signal)).rejects.toMatchObject({ code: 'cluster/unexpected-answer' })
  })

  it.each([301, 404, 500, 503])('does not take HTTP %i for a cluster', async (status) => {
    const url = await serve((_, response) => response.writeHead(status).end())
    await expect(ping(at(url), signal)).rejects.toMatchObject({
      code: 'cluster/unexpected-answer',
      where: `${url}/ping`,
    })
  })

  it('tells an unknown host from a closed port', async () => {
    await expect(ping(at('http://no-such-host.invalid'), signal)).rejects.toMatchObject({
      code: 'cluster/unknown-host',
    })
    const server = createTcpServer()
    const port = await listen(server)
    await new Promise((resolve) => server.close(resolve))
    for (const host of ['127.0.0.1', 'localhost']) {
      await expect(ping(at(`http://${host}:${port}`), signal)).rejects.toMatchObject({
        code: 'cluster/unreachable',
        message: expect.stringContaining('ECONNREFUSED') as string,
        where: `http://${host}:${port}`,
      })
    }
  })

  it('names tls.ca for a certificate that nobody vouches for', async () => {
    const { port, ca } = await serveTls()
    const url = `https://localhost:${port}`
    await expect(ping(at(url), signal)).rejects.toMatchObject({
      code: 'cluster/certificate',
      remedy: expect.stringContaining('tls: { ca:') as string,
    })
    await ping(at(url, { ca }), signal)
    await ping(at(url, { insecure: true }), signal)
    // The name is another one.
    await expect(ping(at(`https://127.0.0.1:${port}`, { ca }), signal)).rejects.toMatchObject({
      code: 'cluster/certificate',
      message: expect.stringContaining('127.0.0.1') as string,
    })
  })

  it('tells https from http', async () => {
    const url = await serve((_, response) => response.writeHead(204).end())
    await expect(ping(at(url.replace('http', 'https')), signal)).rejects.toMatchObject({
      code: 'cluster/protocol',
    })
    const { port } = await serveTls()
    await expect(ping(at(`http://localhost:${port}`), signal)).rejects.toMatchObject({
      code: expect.stringMatching(/^cluster\/(reset|protocol)$/) as string,
      remedy: expect.stringContaining('http://') as string,
    })
  })

  it('names a certificate authority that cannot be read, or is none', async () => {
    const folder = await temporaryFolder()
    const ca = join(folder, 'ca.pem')
    await expect(ping(at('https://localhost:1', { ca }), signal)).rejects.toMatchObject({
      code: 'cluster/ca-unreadable',
      where: ca,
      exit: 2,
    })
    writeFileSync(ca, 'not a certificate')
    await expect(ping(at('https://localhost:1', { ca }), signal)).rejects.toMatchObject({
      code: 'cluster/ca-unreadable',
    })
  })

  it('ends with the reason of the signal', async () => {
    const url = await serve(() => undefined)
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('enough')), 30)
    await expect(ping(at(url), stop.signal)).rejects.toThrow('enough')
  })
})

describe('Connection', () => {
  it('ends an exchange that takes too long, however much is said meanwhile', async () => {
    const url = await serve((_, response) => {
      const timer = setInterval(() => response.write('x'), 10)
      response.on('close', () => clearInterval(timer))
    })
    const connection = new Connection(at(url))
    const sent = connection.send({ method: 'GET', path: '/', signal, timeout: 150, bodyLimit: 1e9 })
    await expect(sent).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    connection.close()
  })

  it('waits ten seconds for a connection, and no longer', async () => {
    // Takes the connection, and never says a word of TLS.
    const server = createTcpServer()
    const accepted = new Promise((resolve) => server.once('connection', resolve))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const connection = new Connection(at(`https://127.0.0.1:${await listen(server)}`))
    const sent = connection.send({ method: 'GET', path: '/', signal, timeout: 600_000 })
    const outcome = sent.then(String, String)
    await accepted
    vi.advanceTimersByTime(9999)
    expect(await Promise.race([outcome, Promise.resolve('waits')])).toBe('waits')
    vi.advanceTimersByTime(1)
    expect(await outcome).toContain('no connection within 10 s')
    connection.close()
  })

  it('reads no more of an answer than it keeps', async () => {
    let written = 0
    const url = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x78))) written += 65_536
      }
      response.on('drain', more)
      more()
    })
    const connection = new Connection(at(url))
    const { body } = await connection.send({ method: 'GET', path: '/', signal, timeout: 5000 })
    connection.close()
    expect(body).toHaveLength(65_536)
    expect(written).toBeLessThan(64 * 2 ** 20)
  })

  it('uses a connection again', async () => {
    const ports = new Set<number | undefined>()
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('ok')
    })
    const connection = new Connection(at(url))
    for (let request = 0; request < 20; request += 1)
      await connection.send({ method: 'GET', path: '/', signal, timeout: 5000 })
    connection.close()
    expect(ports.size).toBeLessThanOrEqual(2)
  })
})

describe('the write client', () => {
  it('takes every status for an answer, and none for status 0', async () => {
    const url = await serve((request, response) => {
      request.resume()
      request.on('end', () => response.writeHead(418, { 'retry-after': '3' }).end('{"message":"teapot"}'))
    })
    const client = openWriteClient(targetAt(url), 't')
    expect(await client.write('d', new Uint8Array([1, 2]), signal)).toEqual({
      status: 418,
      body: '{"message":"teapot"}',
      retryAfter: 3000,
      error: undefined,
    })
    client.close()
    const nobody = openWriteClient(targetAt('http://127.0.0.1:1'), 't')
    expect(await nobody.write('d', new Uint8Array([1]), signal)).toMatchObject({
      status: 0,
      error: expect.stringContaining('ECONNREFUSED') as string,
    })
    nobody.close()
  })

  it('rejects with the reason of the signal, before and during a request', async () => {
    const url = await serve(() => undefined)
    const client = openWriteClient(targetAt(url), 't')
    await expect(
      client.write('d', new Uint8Array(1), AbortSignal.abort(new Error('before'))),
    ).rejects.toThrow('before')
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('during')), 30)
    await expect(client.write('d', new Uint8Array(1), stop.signal)).rejects.toThrow('during')
    client.close()
  })

  it('hears an answer that is given before the body was read', async () => {
    const url = await serve((_, response) => {
      response.writeHead(413, { connection: 'close' }).end('<html>too large</html>')
    })
    const client = openWriteClient(targetAt(url), 't')
    const answer = await client.write('d', new Uint8Array(2_000_000), signal)
    client.close()
    // The kernel may cut first; then the outcome is unknown, and the batch is sent again.
    expect([413, 0]).toContain(answer.status)
  })

  it.each([
    ['120', 120_000],
    ['0', 0],
    ['1.5', 1500],
    ['-3', 0],
    ['Mon, 01 Jan 2024 00:00:10 GMT', 10_000],
    ['Sun, 31 Dec 2023 00:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads Retry-After %j as %j ms', (header, expected) => {
    expect(readRetryAfter(header, Date.parse('2024-01-01T00:00:00Z'))).toBe(expected)
  })
})
