/** Reading request bodies within the documented limit, which holds for the compressed and the decompressed bytes. */
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { messageOf, systemCodeOf } from '../core/failure.ts'
import { HttpError } from './http-error.ts'

const inflate = promisify(gunzip)

/** @throws HttpError 400 (gzip), 413, 415 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'gzip' && encoding !== 'identity') {
    request.resume()
    throw new HttpError(415, `unacceptable content-encoding: ${encoding}`)
  }
  const sent = await readAll(request, limit)
  if (encoding === 'identity') return sent
  try {
    return await inflate(sent, { maxOutputLength: limit })
  } catch (error) {
    if (systemCodeOf(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit)
    throw new HttpError(400, `error decoding gzip stream: ${messageOf(error)}`)
  }
}

async function readAll(request: IncomingMessage, limit: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    // Read on to the end, or the client sees a broken connection instead of the answer.
    if (size <= limit) parts.push(part)
  }
  if (size > limit) throw tooLarge(limit)
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

const tooLarge = (limit: number) => new HttpError(413, `max request size (${limit} bytes) exceeded`)
