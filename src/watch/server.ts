/** `run --listen`: a run's metrics and its report, over HTTP, as long as it goes on. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ExitCode, Failure, messageOf, systemCodeOf } from '../core/failure.ts'
import type { Observer } from '../run/events.ts'
import type { Followed } from './followed.ts'
import { showAddress, type ListenAddress } from './listen-address.ts'
import { LivePage } from './live-page.ts'
import { RunMetrics } from './metrics.ts'

export interface Watch {
  /** `http://127.0.0.1:9464` */
  url: string
  /** From now on the run is shown; the observer must hear its events. */
  follow(followed: Followed): Observer
  close(): Promise<void>
}

/** @throws Failure `listen/in-use`, `listen/refused` (exit code 2) */
export async function openWatch(address: ListenAddress): Promise<Watch> {
  let shown: { metrics: RunMetrics; page: LivePage } | undefined
  const server = createServer((request, response) => {
    answer(request, response, shown).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, HEADERS)
      response.end(`${messageOf(error)}\n`)
    })
  })
  await listen(server, address)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${showAddress({ ...address, port })}`,
    follow(followed) {
      const [metrics, page] = [new RunMetrics(followed), new LivePage(followed)]
      shown = { metrics, page }
      return (event) => {
        metrics.observe(event)
        page.observe(event)
      }
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function listen(server: Server, address: ListenAddress): Promise<void> {
  try {
    server.listen(address.port, address.host)
    await once(server, 'listening')
  } catch (error) {
    const isInUse = systemCodeOf(error) === 'EADDRINUSE'
    throw new Failure(
      isInUse ? 'listen/in-use' : 'listen/refused',
      isInUse
        ? `--listen: ${showAddress(address)} is in use; nothing was done`
        : `--listen: ${messageOf(error).replace(/^listen /, '')}; nothing was done`,
      {
        remedy: 'Name another port, or 0 for any that is free: --listen 127.0.0.1:0',
        exit: ExitCode.manifest,
        cause: error,
      },
    )
  }
}

const HEADERS = {
  'content-type': 'text/plain; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

async function answer(
  { method, url = '/' }: IncomingMessage,
  response: ServerResponse,
  shown: { metrics: RunMetrics; page: LivePage } | undefined,
): Promise<void> {
  const say = (status: number, text: string, type = HEADERS['content-type']) =>
    response.writeHead(status, { ...HEADERS, 'content-type': type }).end(text)
  const path = url.split('?')[0]
  if (method !== 'GET' && method !== 'HEAD') say(405, 'There is only something to read here.\n')
  else if (path !== '/' && path !== '/metrics')
    say(404, 'There is / for people and /metrics for Prometheus.\n')
  else if (shown === undefined) say(503, 'The run has not begun yet.\n')
  else if (path === '/metrics') say(200, await shown.metrics.read(), shown.metrics.contentType)
  else say(200, await shown.page.read(), 'text/html; charset=utf-8')
}
