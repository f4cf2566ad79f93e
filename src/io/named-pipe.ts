/** A named pipe (FIFO) to read from: the way to a stream from a program that only writes to a path. */
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { Failure } from '../core/failure.ts'
import { runToEnd } from './process.ts'

export interface NamedPipe {
  readonly path: string
  readonly stream: Readable
  /** Lets the stream end after what is still in the pipe, also when no program ever opened the other side. */
  finish: () => void
  /** Destroys the stream and removes the path. */
  close: () => void
}

/**
 * Makes the pipe at `path` and opens its reading side at once and without blocking, so that neither side can wait
 * for the other for ever. The mode is 0600.
 *
 * @throws Failure `io/named-pipe` when the file system has no named pipes
 */
export async function openNamedPipe(path: string): Promise<NamedPipe> {
  const { exitCode, stderr } = await runToEnd(['mkfifo'], ['-m', '600', path])
  if (exitCode !== 0) {
    throw new Failure('io/named-pipe', `cannot make a named pipe: ${stderr.trim()}`, {
      where: path,
      remedy:
        'Put the work folder on a local file system ("spool: { dir: ... }"), or use influx_inspect 1.8.5 or later.',
    })
  }
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  // A socket, not a file stream: it waits in the event loop, where a blocked read would hold a thread of the pool.
  const stream = new Socket({ fd, readable: true, writable: false })
  return {
    path,
    stream,
    finish() {
      if (stream.destroyed) return
      // The end of the last writer is the end of the stream; a reader that never had a writer gets none.
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK))
    },
    close() {
      stream.destroy()
      rmSync(path, { force: true })
    },
  }
}
