/** A local stand-in for an InfluxDB Clustered cluster: documented endpoints, documented limits, faults on demand. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Failure, messageOf } from '../core/failure.ts'
import { handleAdmin } from './admin-endpoint.ts'
import { authorizeManagement, newManagementToken } from './auth.ts'
import type { Cluster } from './cluster.ts'
import { faultyWrite } from './faulty-write.ts'
import { parseFaults, seededRandom } from './faults.ts'
import { adminErrorBody, HttpError, writeErrorBody } from './http-error.ts'
import { handleQuery } from './query-endpoint.ts'
import { newStats, type SandboxStats } from './stats.ts'
import { Store } from './store.ts'

export interface SandboxOptions {
  /** Default 127.0.0.1. */
  host?: string
  /** 0, the default, takes a free one. */
  port?: number
  /** Folder for the data and the catalog; without it everything is in memory. */
  dir?: string
  /** Default: the one kept in `dir`, else a new one. */
  managementToken?: string
  /** Fault texts, see {@link parseFaults}. */
  faults?: readonly string[]
  /** PEM key and certificate: HTTPS instead of HTTP. */
  tls?: { key: string; cert: string }
  /** Largest body, compressed and decompressed. Default 50 MiB. */
  maxBodyBytes?: number
  /** Largest name or string, in bytes. Default 64 KiB; the other build of the cluster has 1 MiB. */
  stringLimit?: number
}

export interface Sandbox {
  /** `http://127.0.0.1:38086`. */
  url: string
  port: number
  managementToken: string
  stats(): SandboxStats
  /** Replaces all faults, and counts write requests for them from 1 again. For tests. */
  setFaults(faults: readonly string[]): void
  /** Breaks open connections off and gives the folder free. */
  close(): Promise<void>
}

const VERSION_HEADERS = { 'x-influxdb-build': 'Cloud', 'x-influxdb-version': 'influx-ferry-sandbox' }

/** @throws Failure `sandbox/duckdb-missing`, `sandbox/cannot-open`, `sandbox/cannot-listen`, `sandbox/bad-fault` */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const faults = parseFaults(options.faults ?? [])
  const store = await Store.open(options.dir)
  const given = options.managementToken
  const cluster: Cluster = {
    store,
    managementToken: given ?? (await store.setting('managementToken', newManagementToken)),
    maxBodyBytes: options.maxBodyBytes ?? 50 * 2 ** 20,
    stringLimit: options.stringLimit ?? 2 ** 16,
    faults,
    faultRequests: 0,
    random: seededRandom(faults.seed),
    stats: newStats(),
  }
  const listener: RequestListener = (request, response) => void handle(cluster, request, response)
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener)
  try {
    await listen(server, options.port ?? 0, options.host ?? '127.0.0.1')
  } catch (error) {
    store.close()
    throw error
  }
  const { port, address, family } = server.address() as AddressInfo
  return {
    url: `${options.tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    managementToken: cluster.managementToken,
    stats: () => structuredClone(cluster.stats),
    setFaults: (texts) => {
      cluster.faults = parseFaults(texts)
      cluster.faultRequests = 0
      cluster.random = seededRandom(cluster.faults.seed)
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await store.exclusively(async () => store.close())
    },
  }
}

async function handle(cluster: Cluster, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox')
  try {
    for (const [name, value] of Object.entries(VERSION_HEADERS)) response.setHeader(name, value)
    await route(cluster, request, response, url)
  } catch (error) {
    if (response.headersSent || response.destroyed) {
      response.destroy()
      return
    }
    const known = error instanceof HttpError
    const status = known ? error.status : 500
    const message = known ? error.message : `internal error: ${messageOf(error)}`
    const body = url.pathname.startsWith('/api/v0/')
      ? adminErrorBody(status, message)
      : url.pathname === '/query'
        ? JSON.stringify({ error: message })
        : writeErrorBody(status, message, known ? error.line : undefined)
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }
}

async function route(
  cluster: Cluster,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const { pathname } = url
  if (pathname === '/write' || pathname === '/api/v2/write') {
    allow(request, 'POST')
    return faultyWrite(cluster, request, response, url)
  }
  if (pathname === '/query') {
    allow(request, 'GET', 'POST')
    return handleQuery(cluster, request, response, url)
  }
  if (pathname.startsWith('/api/v0/')) {
    authorizeManagement(cluster.managementToken, request)
    const { status, body } = await handleAdmin(cluster, request, pathname.slice('/api/v0'.length))
    response.writeHead(status, body === '' ? {} : { 'content-type': 'application/json' }).end(body)
    return
  }
  request.resume()
  if (pathname === '/ping') {
    allow(request, 'GET', 'HEAD')
    response.writeHead(204).end()
  } else if (pathname === '/health') response.writeHead(200, { 'content-type': 'text/plain' }).end('OK')
  else if (pathname === '/sandbox/stats')
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(cluster.stats))
  else if (pathname === '/api/v2/delete') throw new HttpError(500, 'deletes are not supported')
  else throw new HttpError(404, `path ${pathname} was not found`)
}

function allow(request: IncomingMessage, ...methods: string[]): void {
  if (methods.includes(request.method ?? '')) return
  request.resume()
  throw new HttpError(405, `method ${request.method} is not allowed`)
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const failure = new Failure('sandbox/cannot-listen', `cannot listen: ${messageOf(error)}`, {
        where: `${host}:${port}`,
        remedy: 'Give another port with --port, or 0 for a free one.',
        cause: error,
      })
      reject(failure)
    })
    server.listen(port, host, resolve)
  })
}
