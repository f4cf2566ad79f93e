/** The transport under `@influxdata/influxdb-client`: our connections, our time limits, and every status an answer. */
import { createTextDecoderCombiner, type SendOptions, type Transport } from '@influxdata/influxdb-client'
import type { Answer, Connection } from './http.ts'

/**
 * `request` resolves to an {@link Answer} for whatever status came, and sends the body as it is. The library's
 * batching writer (`send`) and its queries (`iterate`) are not to be used, and refuse.
 */
export class ClusterTransport implements Transport {
  readonly chunkCombiner = createTextDecoderCombiner()
  readonly #connection: Connection
  readonly #token: string
  readonly #timeout: number

  constructor(connection: Connection, token: string, timeout: number) {
    this.#connection = connection
    this.#token = token
    this.#timeout = timeout
  }

  request(path: string, body: string | Uint8Array, options: SendOptions): Promise<Answer> {
    return this.#connection.send({
      method: options.method,
      path,
      body,
      headers: { ...options.headers, authorization: `Bearer ${this.#token}` },
      signal: options.signal ?? new AbortController().signal,
      timeout: this.#timeout,
    })
  }

  send(): never {
    throw new Error('the write API of influxdb-client loses data on close and on overload; it is not used')
  }

  iterate(): never {
    throw new Error('the query API of influxdb-client speaks Flux, which the target does not')
  }
}
