/** A write request with the faults that are set for it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Cluster } from './cluster.ts'
import { faultsOf } from './faults.ts'
import { HttpError, proxyErrorPage, writeErrorBody } from './http-error.ts'
import { count } from './stats.ts'
import { handleWrite } from './write-endpoint.ts'

const MESSAGES: Record<number, string> = {
  413: 'max request size (52428800 bytes) exceeded',
  429: 'ingesters are resource constrained, please try again later',
  503: 'this service is overloaded, please try again later',
}

/** Answers the request. Every status that leaves here is counted, 0 for a connection that a fault breaks. */
export async function faultyWrite(
  cluster: Cluster,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const { stats } = cluster
  stats.writeRequests += 1
  cluster.faultRequests += 1
  const actions = faultsOf(cluster.faults, cluster.faultRequests, cluster.random)
  for (const action of actions) if (action.kind === 'delay') await sleep(action.milliseconds)
  const fault = actions.find(({ kind }) => kind !== 'delay')
  const early = fault !== undefined && fault.kind !== 'delay' && fault.kind !== 'cut' && !fault.afterWrite
  if (early && fault.kind === 'reset') {
    count(stats.byStatus, 0)
    request.socket.resetAndDestroy()
    return
  }
  const written = early ? await drain(request) : await outcome(cluster, request, url)
  if (written instanceof HttpError) {
    count(stats.byStatus, written.status)
    answer(cluster, response, written.status, writeErrorBody(written.status, written.message, written.line))
    return
  }
  if (fault === undefined || fault.kind === 'delay') {
    count(stats.byStatus, 204)
    count(stats.bodies, written)
    response.writeHead(204).end()
  } else if (fault.kind === 'answer') {
    count(stats.byStatus, fault.status)
    const message = MESSAGES[fault.status] ?? 'internal error'
    if (fault.html)
      answer(cluster, response, fault.status, proxyErrorPage(fault.status, message), 'text/html')
    else answer(cluster, response, fault.status, writeErrorBody(fault.status, message))
  } else {
    count(stats.byStatus, 0)
    if (fault.kind === 'reset') request.socket.resetAndDestroy()
    else request.socket.end('HTTP/1.1 204 No Con')
  }
}

/** The body's SHA-256 when all of it was written, else why not. */
async function outcome(cluster: Cluster, request: IncomingMessage, url: URL): Promise<string | HttpError> {
  try {
    return await handleWrite(cluster, request, url)
  } catch (error) {
    if (error instanceof HttpError) return error
    count(cluster.stats.byStatus, 500)
    throw error
  }
}

function answer(
  { faults }: Cluster,
  response: ServerResponse,
  status: number,
  body: string,
  type = 'application/json',
): void {
  const retry = (status === 429 || status === 503) && faults.retryAfter !== undefined
  const headers = { 'content-type': type, ...(retry && { 'retry-after': String(faults.retryAfter) }) }
  response.writeHead(status, headers).end(body)
}

async function drain(request: IncomingMessage): Promise<string> {
  for await (const _ of request) void _
  return ''
}
