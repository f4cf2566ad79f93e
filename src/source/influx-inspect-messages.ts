/** What influx_inspect says on its way, and which of it means that data is missing although it exits with 0. */
import type { Readable } from 'node:stream'
import { Failure } from '../core/failure.ts'
import { countOf } from '../core/units.ts'

// Without the empty file it would wait for ever: influxd 1.x removes what it rolled over, and it never rolls over a
// segment that it found on start and did not write to.
const SNAPSHOT_FIRST =
  "On a copy of the directory, put an empty file beside the shard's last .wal file, with the next number as its name " +
  '(_00002.wal after _00001.wal). Start influxd on it with cache-snapshot-write-cold-duration = "1s" under [data], wait ' +
  "until the shard's .wal files are gone or empty, stop it, and run again."

interface Loss {
  pattern: RegExp
  code: string
  /** `[message, where]` of the match. */
  tell: (match: RegExpExecArray) => [string, string]
  remedy: string
}

const LOSSES: Loss[] = [
  {
    pattern: /unable to read key (".*") in (.*), skipping: (.*)/,
    code: 'export/unreadable-block',
    tell: ([, key = '', file = '', reason = '']) => [
      `influx_inspect left out ${shorten(key)}: ${reason}`,
      file,
    ],
    remedy: 'The file is damaged. Restore it from a backup, then run again.',
  },
  {
    pattern: /unable to read (.*), skipping: (.*)/,
    code: 'export/unreadable-file',
    tell: ([, file = '', reason = '']) => [`influx_inspect left out a TSM file: ${reason}`, file],
    remedy:
      'The file is damaged. Restore it from a backup, or move it away to go on without its points, and run again.',
  },
  {
    pattern: /skipped missing file: (.*)/,
    code: 'export/missing-file',
    tell: ([, file = '']) => ['a file vanished while influx_inspect was reading', file],
    remedy: 'Stop influxd, or export from a copy of the data directory, and run again.',
  },
  {
    pattern: /file (.*) corrupt at position (\d+): (.*)/,
    code: 'export/corrupt-wal',
    tell: ([, file = '', position = '', reason = '']) => [
      `influx_inspect stopped reading a WAL file at byte ${position}: ${reason}`,
      file,
    ],
    remedy:
      'If influxd had crashed, this is the entry it was writing: start influxd once on a copy of the directory (it ' +
      'cuts that entry off), stop it, and run again. Else restore the file from a backup.',
  },
  {
    pattern: /detected deletes in wal file/,
    code: 'export/deletes-in-wal',
    tell: () => ['points were deleted in the WAL, and influx_inspect would bring them back', ''],
    remedy: SNAPSHOT_FIRST,
  },
]

const MAX_LINE = 256 * 1024
const KEPT_LINES = 20

/** The messages of one run, read as they come and kept within a bound. */
export class InspectMessages {
  /** Progress: which kinds of file were exported. */
  sawTsm = false
  sawWal = false
  #loss: { loss: Loss; match: RegExpExecArray } | undefined
  #losses = 0
  #last: string[] = []

  /** Reads a stream to its end. Never rejects: a broken stream has ended. */
  async readFrom(stream: Readable): Promise<void> {
    let rest = ''
    stream.setEncoding('utf8')
    try {
      for await (const chunk of stream as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n')
        rest = (lines.pop() ?? '').slice(-MAX_LINE)
        for (const line of lines) this.add(line)
      }
    } catch {
      // The program was ended.
    }
    this.add(rest)
  }

  add(line: string): void {
    if (line.trim() === '') return
    this.sawTsm ||= line.includes('writing out tsm file data')
    this.sawWal ||= line.includes('writing out wal file data')
    this.#last = [...this.#last.slice(1 - KEPT_LINES), line.slice(0, 1000)]
    for (const loss of LOSSES) {
      const match = loss.pattern.exec(line)
      if (match === null) continue
      this.#losses += 1
      this.#loss ??= { loss, match }
      return
    }
  }

  /** The failure that the messages mean, if any. `where` is used when the message names no file. */
  failure(where: string, showPath: (text: string) => string): Failure | undefined {
    if (this.#loss === undefined) return undefined
    const { code, tell, remedy } = this.#loss.loss
    const [message, file] = tell(this.#loss.match)
    const more = this.#losses > 1 ? ` (and ${countOf(this.#losses - 1, 'more message')} like it)` : ''
    return new Failure(code, showPath(message) + more, { where: showPath(file) || where, remedy })
  }

  /** The last lines, for a run that failed by its exit code. */
  get tail(): string {
    return this.#last
      .filter((line) => !line.startsWith('writing out'))
      .slice(-5)
      .join('\n')
  }
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}
