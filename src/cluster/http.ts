/** HTTP to the cluster: one request, one answer, nothing retried. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { ExitCode, Failure, messageOf } from '../core/failure.ts'
import type { Target } from '../manifest/migration.ts'
import { connectionFailure, NetworkError } from './network-error.ts'

export interface Request {
  method: string
  /** Path and query, below `target.url`. */
  path: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  signal: AbortSignal
  /** Milliseconds for the whole exchange. */
  timeout: number
  /** Bytes of the answer's body that are kept; the rest is not read. */
  bodyLimit?: number
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

export type Address = Pick<Target, 'url' | 'tls'>

/** Milliseconds. */
const CONNECT_TIMEOUT = 10_000
/** A connection that nobody uses for so long is closed, before a proxy does it in the moment of the next request. */
const IDLE_TIMEOUT = 4000
const PING_TIMEOUT = 20_000
const BODY_LIMIT = 64 * 1024

/** Keep-alive connections to one cluster. */
export class Connection {
  readonly #url: string
  readonly #request: typeof http.request
  readonly #agent: http.Agent

  /** @throws Failure `cluster/ca-unreadable` */
  constructor({ url, tls }: Address) {
    this.#url = url
    const isSecure = url.startsWith('https:')
    this.#request = isSecure ? https.request : http.request
    const kept = { keepAlive: true, timeout: IDLE_TIMEOUT }
    this.#agent = isSecure
      ? new https.Agent({
          ...kept,
          rejectUnauthorized: !tls.insecure,
          ...(tls.ca !== undefined && { ca: readCa(tls.ca) }),
        })
      : new http.Agent(kept)
  }

  /**
   * Every status is an answer. Rejects with the signal's reason, or with an error that `kindOf` tells apart; an
   * answer that breaks off, or comes too late, is such an error.
   */
  async send({ method, path, headers, body, signal, timeout, bodyLimit }: Request): Promise<Answer> {
    signal.throwIfAborted()
    const options = { agent: this.#agent, method, headers: headers ?? {} }
    const request = this.#request(`${this.#url}${path}`, options)
    limitConnecting(request)
    const stop = () => void request.destroy()
    signal.addEventListener('abort', stop, { once: true })
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      stop()
    }, timeout)
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request.on('response', resolve).on('error', reject).end(body)
      })
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: await readBody(response, bodyLimit ?? BODY_LIMIT),
      }
    } catch (error) {
      signal.throwIfAborted()
      throw isLate ? new NetworkError('ETIMEDOUT', `no answer within ${timeout / 1000} s`) : error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    }
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** What fails then is the request. */
function limitConnecting(request: ClientRequest): void {
  request.once('socket', (socket) => {
    if (!socket.connecting) return
    const seconds = CONNECT_TIMEOUT / 1000
    const late = new NetworkError('EHOSTUNREACH', `no connection within ${seconds} s`)
    const timer = setTimeout(() => socket.destroy(late), CONNECT_TIMEOUT)
    const stop = () => clearTimeout(timer)
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', stop).once('close', stop)
  })
}

async function readBody(body: AsyncIterable<Buffer>, limit: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk.subarray(0, limit - bytes))
      bytes += chunk.length
      if (bytes >= limit) break
    }
  } catch (error) {
    throw new NetworkError('ECUT', `the answer broke off: ${messageOf(error)}`, error)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function readCa(path: string): string {
  try {
    const pem = readFileSync(path, 'utf8')
    // Node.js takes whatever is not a certificate for none, and says nothing.
    new X509Certificate(pem)
    return pem
  } catch (error) {
    throw new Failure(
      'cluster/ca-unreadable',
      `this is no PEM certificate that can be read: ${messageOf(error)}`,
      {
        where: path,
        remedy: 'Correct "target.tls.ca" in the manifest, or make the file readable.',
        exit: ExitCode.manifest,
        cause: error,
      },
    )
  }
}

/**
 * Asks whether something answers at the target. No token is sent.
 *
 * @returns what the server says of itself (`cloud2`, `OSS`) and its clock (milliseconds since the epoch), where it does.
 * @throws Failure `cluster/unreachable`, `cluster/certificate`, ..., `cluster/unexpected-answer`
 */
export async function ping(
  target: Address,
  signal: AbortSignal,
): Promise<{ build: string | undefined; version: string | undefined; date: number | undefined }> {
  const connection = new Connection(target)
  try {
    const answer = await connection.send({ method: 'GET', path: '/ping', signal, timeout: PING_TIMEOUT })
    // A proxy may want a token even here: then at least it is reached.
    const reached = answer.status < 300 || answer.status === 401 || answer.status === 403
    if (!reached) throw unexpected(answer.status, target.url)
    const header = (name: string) => answer.headers[name]?.toString()
    const date = Date.parse(header('date') ?? '')
    return {
      build: header('x-influxdb-build'),
      version: header('x-influxdb-version'),
      date: Number.isNaN(date) ? undefined : date,
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof Failure ? error : connectionFailure(error, target.url)
  } finally {
    connection.close()
  }
}

function unexpected(status: number, url: string): Failure {
  return new Failure('cluster/unexpected-answer', `the cluster answers GET /ping with HTTP ${status}`, {
    where: `${url}/ping`,
    remedy:
      status >= 500
        ? 'The cluster, or the proxy before it, is in trouble: look at its state and try again.'
        : 'Check that target.url is the address of InfluxDB itself: no path, no console, no redirect.',
  })
}
