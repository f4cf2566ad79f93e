/**
 * A dead letter file that is rewritten in step with the state: the new one is made beside it, the state puts down its hash,
 * and then it takes its place. Until the state has it, nothing has happened; from then on it is only a rename.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure, reasonOf, systemCodeOf } from '../core/failure.ts'
import type { DeadLetter, DeadLetterSink } from './dead-letter.ts'

const BLOCK_BYTES = 1 << 18

const draftOf = (path: string) => `${path}.next`

/** The draft of a rewritten dead letter file. Letters are added in their order. */
export class RewrittenDeadLetters implements DeadLetterSink {
  readonly #path: string
  readonly #file: FileHandle
  #pending: Buffer[] = []
  #pendingBytes = 0
  #bytes = 0
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /** @throws Failure `dead-letter/unwritable`, also from the other methods */
  static async begin(path: string): Promise<RewrittenDeadLetters> {
    return new RewrittenDeadLetters(path, await guarded(path, () => open(draftOf(path), 'w', 0o600)))
  }

  add(letter: DeadLetter): void {
    this.#put(Buffer.from(JSON.stringify(letter)))
  }

  /** A line as it was, whatever it is. */
  async keep(text: Buffer): Promise<void> {
    this.#put(text)
    if (this.#pendingBytes > BLOCK_BYTES) await this.flush()
  }

  flush(): Promise<void> {
    return (this.#writing = this.#writing.then(() => guarded(this.#path, () => this.#write())))
  }

  /** A place to {@link rewind} to. */
  async mark(): Promise<number> {
    await this.flush()
    return this.#bytes
  }

  /** Forgets what was added since. */
  async rewind(mark: number): Promise<void> {
    await this.flush()
    await guarded(this.#path, () => this.#file.truncate(mark))
    this.#bytes = mark
  }

  /** @returns the hash by which {@link settleRewritten} knows it. */
  async finish(): Promise<string> {
    await this.flush()
    await guarded(this.#path, () => this.#file.sync())
    await this.#file.close()
    return (await hashOfFile(draftOf(this.#path))) ?? ''
  }

  async discard(): Promise<void> {
    await this.#writing.catch(() => undefined)
    await this.#file.close().catch(() => undefined) // closed already
    await rm(draftOf(this.#path), { force: true })
  }

  #put(text: Buffer): void {
    this.#pending.push(text, Buffer.from('\n'))
    this.#pendingBytes += text.length + 1
  }

  async #write(): Promise<void> {
    const bytes = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    await writeAt(this.#file, bytes, this.#bytes)
    this.#bytes += bytes.length
  }
}

async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
}

/** Gives a draft the file's place when it is the one that the state names, and removes any other. */
export async function settleRewritten(path: string, hash: string | undefined): Promise<void> {
  const draft = draftOf(path)
  const found = await hashOfFile(draft)
  if (found === undefined) return
  if (found !== hash) return rm(draft, { force: true })
  await guarded(path, async () => {
    await rename(draft, path)
    const folder = await open(dirname(path), 'r')
    await folder.sync().finally(() => folder.close())
  })
}

async function hashOfFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk)
    return hash.digest('hex')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function guarded<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw new Failure('dead-letter/unwritable', `cannot rewrite the dead letter: ${reasonOf(error)}`, {
      where: path,
      remedy: 'Make room or give write permission there, and do the same again.',
      cause: error,
    })
  }
}
