/** A write API over a real socket that answers what a test tells it to, and remembers what it was sent. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface Received {
  /** 0-based, in the order of arrival. */
  number: number
  method: string
  url: URL
  headers: IncomingHttpHeaders
  body: Buffer
  /** Logical lines of the unpacked body. */
  lines: string[]
}

export type Reply =
  | { status: number; body?: string; headers?: Record<string, string>; store?: (line: string) => boolean }
  /** The connection is closed without an answer; `store`: after the lines were stored. */
  | { reset: true; store?: (line: string) => boolean }
  /** The head of an answer, then half a body, then nothing more. */
  | { cut: number }
  | { silent: true }

export type Script = (request: Received) => Reply | Promise<Reply>

export class WriteServer {
  readonly requests: Received[] = []
  /** How often each line was stored. */
  readonly stored = new Map<string, number>()
  readonly #server: Server
  script: Script

  constructor(script: Script = () => NO_CONTENT) {
    this.script = script
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks)
        const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
        const received: Received = {
          number: this.requests.length,
          method: request.method ?? '',
          url: new URL(request.url ?? '/', 'http://server'),
          headers: request.headers,
          body,
          lines: linesOf(text.toString()),
        }
        this.requests.push(received)
        void Promise.resolve(this.script(received)).then((reply) => this.#answer(received, reply, response))
      })
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer({ lines }: Received, reply: Reply, response: ServerResponse): void {
    if ('silent' in reply) return
    if ('cut' in reply) {
      response.writeHead(reply.cut, { 'content-length': '1000' })
      response.write('{"code":"invalid","message":"error parsing line 1 (1-ba', () => response.destroy())
      return
    }
    const store = reply.store ?? (() => 'status' in reply && reply.status === 204)
    for (const line of lines) if (store(line)) this.stored.set(line, (this.stored.get(line) ?? 0) + 1)
    if ('reset' in reply) {
      response.socket?.resetAndDestroy()
      return
    }
    response.writeHead(reply.status, reply.headers)
    response.end(reply.body)
  }
}

export const NO_CONTENT: Reply = { status: 204 }

/** Written otherwise than the code under test: quoted strings as a whole, newlines elsewhere. */
export function linesOf(text: string): string[] {
  return text.match(/(?:"(?:\\[\s\S]|[^"\\])*"|[^\n])+/g) ?? []
}

/** The body of a partial write of a current cluster: at most a hundred lines are named. */
export function partialWrite(refused: { line: number; reason: string }[]): string {
  const named = refused.slice(0, 100)
  const messages = named.map(({ line, reason }) => `error writing line ${line}: ${reason}`)
  return JSON.stringify({
    code: 'invalid',
    line: named[0]?.line,
    message: `partial write has occurred, errors encountered on line(s):\n  ${messages.join('\n  ')}`,
  })
}
