/**
 * A refused batch taken apart until every line is stored or refused by itself. Lines that the cluster names are
 * put aside and the rest sent again; where it names none, the batch is halved.
 */
import { gunzip, gzip } from 'node:zlib'
import { promisify } from 'node:util'
import { Failure } from '../core/failure.ts'
import { parseRfc3339 } from '../core/time.ts'
import { joinLines, splitLines, timeOf, type LogicalLine } from './logical-lines.ts'
import { send, type ContentRefusal, type SendOptions } from './send.ts'

const compress = promisify(gzip)
const decompress = promisify(gunzip)

export interface RefusedLine {
  line: LogicalLine
  reason: string
}

interface Piece {
  lines: LogicalLine[]
  /** How often lines were taken out of it by name. */
  rounds: number
  /** Whether a line that the cluster merely mentions is worth trying alone. */
  trusting: boolean
}

/**
 * At most a hundred lines are named at once, sometimes only one: after so many rounds the piece is halved, so that
 * a batch of nothing but bad lines costs bytes in n log n, not in n squared.
 */
const MAX_ROUNDS = 5

/**
 * `refusal` is what the cluster made of the whole batch, `lines` what the batch holds. Ends with every line of it
 * stored, but for those returned.
 */
export async function repairBatch(
  lines: LogicalLine[],
  refusal: ContentRefusal,
  options: SendOptions,
  signal: AbortSignal,
): Promise<RefusedLine[]> {
  const refused: RefusedLine[] = []
  const whole: Piece = { lines, rounds: 0, trusting: true }
  const pieces = divide(whole, refusal, refused)
  for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
    const again = await send(await compress(joinLines(piece.lines)), options, signal)
    if (again !== undefined) pieces.push(...divide(piece, again, refused))
  }
  return refused
}

/** @returns the lines of a gzip member. */
export async function unpack(member: Uint8Array): Promise<LogicalLine[]> {
  return splitLines(await decompress(member))
}

/** What is to be sent next for a refused piece, last first; lines refused for good are added to `refused`. */
function divide(piece: Piece, refusal: ContentRefusal, refused: RefusedLine[]): Piece[] {
  if (refusal.kind === 'lines') {
    const rest: LogicalLine[] = []
    piece.lines.forEach((line, index) => {
      const reason = refusal.lines.get(index + 1)
      if (reason === undefined) rest.push(line)
      else refused.push({ line, reason })
    })
    if (rest.length === 0) return []
    if (rest.length < piece.lines.length) {
      const next = { ...piece, lines: rest, rounds: piece.rounds + 1 }
      return next.rounds < MAX_ROUNDS ? [next] : halves(next)
    }
  }
  // From here on no line of the piece is named.
  const reason = refusal.kind === 'lines' ? [...refusal.lines.values()].join('; ') : refusal.reason
  const [first] = piece.lines
  if (first !== undefined && piece.lines.length === 1) {
    if (refusal.kind === 'too-large' && first.bytes.length < LEAST_LIMIT) throw limitTooSmall(first, reason)
    refused.push({ line: first, reason })
    return []
  }
  if (refusal.kind === 'whole-batch') {
    const rest = withoutExpired(piece, reason, refused)
    if (rest !== undefined) return rest
    const suspect = refusal.suspect === undefined ? undefined : piece.lines[refusal.suspect - 1]
    if (suspect !== undefined && piece.trusting && piece.rounds < MAX_ROUNDS)
      return [
        // The suspect may be innocent, or not the only one: it is tried alone, and no suspicion is followed deeper.
        { ...piece, lines: piece.lines.filter((line) => line !== suspect), rounds: piece.rounds + 1 },
        { lines: [suspect], rounds: 0, trusting: false },
      ]
  }
  return halves(piece)
}

/** Bytes of a line that any cluster takes: what refuses less is set up wrong, and would refuse every line. */
const LEAST_LIMIT = 1 << 12

function limitTooSmall({ bytes }: LogicalLine, reason: string): Failure {
  return new Failure(
    'write/refused',
    `even one line of ${bytes.length} bytes is refused as too large: ${reason}`,
    {
      remedy:
        'Look at the limit for bodies of the proxy before the cluster (nginx: client_max_body_size), and run again.',
    },
  )
}

function halves({ lines, trusting }: Piece): Piece[] {
  if (lines.length < 2) return [{ lines, rounds: 0, trusting }]
  const middle = Math.ceil(lines.length / 2)
  return [lines.slice(middle), lines.slice(0, middle)].map((half) => ({ lines: half, rounds: 0, trusting }))
}

/**
 * A refusal for retention names the oldest time that is taken, which only moves forward: lines before it need not
 * be tried one by one. `undefined` when the reason is another, or when that would not make the piece smaller.
 */
function withoutExpired(piece: Piece, reason: string, refused: RefusedLine[]): Piece[] | undefined {
  const oldest = /minimum acceptable timestamp is ([^\s,]+)/.exec(reason)?.[1]
  const minimum = oldest === undefined ? undefined : parseRfc3339(oldest)
  if (minimum === undefined) return undefined
  const rest = piece.lines.filter((line) => (timeOf(line) ?? minimum) >= minimum)
  if (rest.length === piece.lines.length) return undefined
  for (const line of piece.lines) if ((timeOf(line) ?? minimum) < minimum) refused.push({ line, reason })
  return rest.length === 0 ? [] : [{ ...piece, lines: rest }]
}
