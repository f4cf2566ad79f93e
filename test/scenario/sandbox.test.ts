import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const CLI = fileURLToPath(new URL('../../bin/influx-ferry.js', import.meta.url))

let dir: string
let child: ChildProcess | undefined

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sandbox-'))
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await rm(dir, { recursive: true, force: true })
})

interface Running {
  url: string
  output: string
  ended: Promise<unknown[]>
}

async function start(...options: string[]): Promise<Running> {
  const started = spawn(process.execPath, [CLI, 'sandbox', '--port', '0', ...options])
  child = started
  const ended = once(started, 'exit')
  let output = ''
  for (const stream of [started.stdout, started.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  while (!output.includes('Stop it with Ctrl-C')) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (started.exitCode !== null) throw new Error(output)
  }
  const url = /listens at (\S+)/.exec(output)?.[1] ?? ''
  return { url, output, ended }
}

async function influxctl(argv: string[]): Promise<{ code: unknown; out: string; err: string }> {
  const run = spawn(process.execPath, [CLI, 'sandbox', 'influxctl', ...argv])
  let [out, err] = ['', '']
  run.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  run.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const [code] = (await once(run, 'close')) as unknown[]
  return { code, out, err }
}

/** A database `db` and a token for it, by way of the stand-in for influxctl. */
async function prepare(url: string, tokenFile: string): Promise<string> {
  const managementToken = (await readFile(tokenFile, 'utf8')).trim()
  const config = join(dir, 'config.toml')
  const { hostname, port } = new URL(url)
  await writeFile(
    config,
    `[[profile]]\nname = "default"\nproduct = "clustered"\nhost = "${hostname}"\nport = "${port}"\nmgmt_token = "${managementToken}"\n[profile.tls]\ndisable = true\n`,
  )
  expect(await influxctl(['--config', config, 'database', 'create', 'db'])).toMatchObject({
    code: 0,
    err: '',
  })
  const made = await influxctl([
    '--config',
    config,
    'token',
    'create',
    '--read-database',
    '*',
    '--write-database',
    'db',
    'x',
  ])
  return made.out.trim().split('\n').at(-1) ?? ''
}

test('after kill -9 everything that was acknowledged is there, and so are databases and tokens', async () => {
  const data = join(dir, 'data')
  const tokenFile = join(dir, 'management-token')
  const options = ['--dir', data, '--management-token-file', tokenFile]
  const first = await start(...options)
  expect(first.output).toContain('it is a rehearsal on DuckDB, not a cluster')
  expect((await stat(tokenFile)).mode & 0o777).toBe(0o600)
  expect(first.output).not.toContain((await readFile(tokenFile, 'utf8')).trim())
  const headers = { authorization: `Bearer ${await prepare(first.url, tokenFile)}` }
  const acknowledged: number[] = []
  const lane = async (from: number) => {
    for (let i = from; ; i += 4) {
      const body = Array.from(
        { length: 500 },
        (_, row) => `m,lane=l${from} n${i % 7}=${i}i,s="x" ${i * 1000 + row}`,
      )
      const { status } = await fetch(`${first.url}/api/v2/write?bucket=db`, {
        method: 'POST',
        headers,
        body: body.join('\n'),
      })
      if (status !== 204) throw new Error(String(status))
      acknowledged.push(i)
      if (acknowledged.length === 60) child?.kill('SIGKILL')
    }
  }
  await Promise.allSettled([0, 1, 2, 3].map(lane))
  await first.ended
  expect(acknowledged.length).toBeGreaterThanOrEqual(60)

  const second = await start(...options)
  const q = encodeURIComponent(
    'SELECT count(s) FROM m WHERE time >= 0 AND time < 1000000000 GROUP BY time(1us) fill(none)',
  )
  const answer = await fetch(`${second.url}/query?db=db&epoch=ns&q=${q}`, { headers })
  expect(answer.status).toBe(200)
  const text = await answer.text()
  const { results } = JSON.parse(text) as { results: { series: { values: [number, number][] }[] }[] }
  const counts = new Map(results[0]?.series[0]?.values.map(([time, count]) => [time / 1000, count]))
  for (const i of acknowledged) expect(counts.get(i)).toBe(500)
  for (const count of counts.values()) expect(count).toBe(500)
  const more = await fetch(`${second.url}/api/v2/write?bucket=db`, {
    method: 'POST',
    headers,
    body: 'm,lane=l0 n0=1i,new=t 1',
  })
  expect(more.status).toBe(204)
})

test('SIGTERM stops it; a second one on the same folder and a bad fault are refused in words', async () => {
  const data = join(dir, 'data')
  const running = await start('--dir', data)
  expect(running.output).toMatch(/export INFLUX_MANAGEMENT_TOKEN=\S+/)
  await expect(start('--dir', data)).rejects.toThrow(/sandbox\/cannot-open/)
  await expect(start('--fault', 'explode@3')).rejects.toThrow(/"explode@3" is not a fault/)
  const again = await start('--dir', join(dir, 'other'))
  child?.kill('SIGTERM')
  expect(await again.ended).toEqual([0, null])
})

test('influxctl passes its own flags through, and its exit code', async () => {
  expect(await influxctl(['version'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('influxctl v2.12.1') as string,
  })
  const config = join(dir, 'missing.toml')
  expect(
    await influxctl(['--config', config, '--profile', 'x', 'database', 'list', '--format', 'json']),
  ).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('failed to load config file') as string,
  })
})
