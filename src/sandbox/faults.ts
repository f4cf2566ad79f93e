import { Failure, ExitCode } from '../core/failure.ts'
import { parseDuration } from '../core/units.ts'

/** What happens to a write request instead of, or around, its proper answer. */
export type FaultAction =
  | { kind: 'answer'; status: number; afterWrite: boolean; html: boolean }
  | { kind: 'reset'; afterWrite: boolean }
  | { kind: 'cut' }
  | { kind: 'delay'; milliseconds: number }

interface Rule {
  action: FaultAction
  /** Write requests are numbered from 1. */
  applies: (request: number, random: () => number) => boolean
}

/** Faults as read from their texts. */
export interface Faults {
  rules: Rule[]
  seed: number
  /** A token answers 401 for this long after it was made. */
  tokenDelay: number
  partialWrites: boolean
  /** Seconds in a Retry-After header on 429 and 503. */
  retryAfter: number | undefined
  /** Status of a body that holds points older than the retention period. */
  retentionStatus: 400 | 403 | 422
  /** Points that a query may look at. */
  queryLimit: number | undefined
}

/**
 * Reads faults from texts, each one or several separated by commas:
 *
 *     429@3               the third write request is answered 429, and nothing is written
 *     503@2..4  413@9..   the second to fourth; the ninth and all later ones
 *     429%10              each with a probability of 10 %
 *     413-html@4          with an HTML body, as a proxy answers
 *     500-after-write@5   written, but answered 500
 *     reset@7             connection reset, nothing written; reset-after-write@7: after writing
 *     cut@8               written, but the connection breaks in the middle of the answer's head
 *     delay:2s@9          carried out at once, but answered 2 s late
 *     seed:7              seed of the probabilities (default 1)
 *     token-delay:3s      a new token is not accepted for 3 s
 *     partial-writes-off  one bad line refuses its whole body, and no line number is given (before late 2024)
 *     retry-after:2       429 and 503 carry "Retry-After: 2"
 *     retention-status:403   how points outside retention are refused: 400 (default), 403 or 422
 *     query-limit:1000    a SELECT that would look at more points is refused
 *
 * Faults count write requests (`/write`, `/api/v2/write`) in the order of their arrival, whatever their database.
 * @throws Failure `sandbox/bad-fault`
 */
export function parseFaults(specs: readonly string[]): Faults {
  const faults: Faults = {
    rules: [],
    seed: 1,
    tokenDelay: 0,
    partialWrites: true,
    retryAfter: undefined,
    retentionStatus: 400,
    queryLimit: undefined,
  }
  for (const spec of specs.flatMap((text) => text.split(',')).map((text) => text.trim())) {
    if (spec !== '' && !setting(spec, faults)) faults.rules.push(rule(spec))
  }
  return faults
}

function setting(spec: string, faults: Faults): boolean {
  const [name, value = ''] = spec.split(':')
  if (spec === 'partial-writes-off') faults.partialWrites = false
  else if (name === 'seed') faults.seed = whole(spec, value)
  else if (name === 'retry-after') faults.retryAfter = whole(spec, value)
  else if (name === 'query-limit') faults.queryLimit = whole(spec, value)
  else if (name === 'token-delay') faults.tokenDelay = milliseconds(spec, value)
  else if (name === 'retention-status') {
    if (value !== '400' && value !== '403' && value !== '422') throw bad(spec)
    faults.retentionStatus = Number(value) as 400
  } else return false
  return true
}

function rule(spec: string): Rule {
  const match = /^([^@%]+)(?:@(\d+)(?:(\.\.)(\d+)?)?|%(\d+(?:\.\d+)?))$/.exec(spec)
  if (match === null) throw bad(spec)
  const [, action = '', first, range, last, percent] = match
  if (percent !== undefined)
    return { action: actionOf(spec, action), applies: (_, random) => random() * 100 < Number(percent) }
  const from = Number(first)
  const to = range === undefined ? from : last === undefined ? Infinity : Number(last)
  return { action: actionOf(spec, action), applies: (request) => request >= from && request <= to }
}

function actionOf(spec: string, text: string): FaultAction {
  const [, status, suffix] = /^(\d{3})(-html|-after-write)?$/.exec(text) ?? []
  if (status !== undefined)
    return {
      kind: 'answer',
      status: Number(status),
      afterWrite: suffix === '-after-write',
      html: suffix === '-html',
    }
  if (text === 'reset' || text === 'reset-after-write') return { kind: 'reset', afterWrite: text !== 'reset' }
  if (text === 'cut') return { kind: 'cut' }
  if (text.startsWith('delay:'))
    return { kind: 'delay', milliseconds: milliseconds(spec, text.slice('delay:'.length)) }
  throw bad(spec)
}

/** The faults of write request number `request`, in the order given. Draws from `random` once a probability. */
export function faultsOf(faults: Faults, request: number, random: () => number): FaultAction[] {
  return faults.rules.filter(({ applies }) => applies(request, random)).map(({ action }) => action)
}

/** A small seeded generator (mulberry32): values in [0, 1), the same ones for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function whole(spec: string, value: string): number {
  if (!/^\d+$/.test(value)) throw bad(spec)
  return Number(value)
}

function milliseconds(spec: string, value: string): number {
  const nanoseconds = parseDuration(value)
  if (nanoseconds === undefined) throw bad(spec)
  return Number(nanoseconds / 1_000_000n)
}

const bad = (spec: string) =>
  new Failure('sandbox/bad-fault', `"${spec}" is not a fault`, {
    remedy:
      'Write one of 429@3, 503@2..4, 413-html@9.., 429%10, 500-after-write@5, reset@7, cut@8, delay:2s@9, seed:7, ' +
      'token-delay:3s, partial-writes-off, retry-after:2, retention-status:403, query-limit:1000.',
    exit: ExitCode.manifest,
  })
