/**
 * What an answer of the write API other than 204 means. The grammar of the messages is that of the cluster's builds
 * since 2023 (clustered-facts, 4.3 and 4.4); prefixes and quote marks vary, so only what is common is relied on.
 */
import type { WriteResponse } from './cluster.ts'
import { parseExactJson, propertyOf, stringOf } from './exact-json.ts'

export type Refusal =
  /** These lines (1-based, logical) were refused, each for its reason; the rest was written, or nothing was. */
  | { kind: 'lines'; lines: Map<number, string> }
  /** Something in the batch was refused. `suspect`: a line the answer names without saying that it is the only one. */
  | { kind: 'whole-batch'; reason: string; suspect: number | undefined }
  | { kind: 'too-large'; reason: string }
  | { kind: 'unauthorized'; reason: string }
  | { kind: 'forbidden'; reason: string }
  | { kind: 'no-database'; reason: string }
  | { kind: 'overloaded'; reason: string }
  /** It may be written, or not: the same bytes can be sent again. */
  | { kind: 'unknown-outcome'; reason: string }
  /** Sending again, or sending less, would not help. */
  | { kind: 'fatal'; reason: string }

/** `undefined` for 204, which alone is success. */
export function readRefusal(response: WriteResponse): Refusal | undefined {
  const { status } = response
  if (status === 204) return undefined
  const { message, line, isHtml } = readBody(response)
  const reason = message === '' ? titleOf(response) : message
  switch (status) {
    case 400:
    case 422:
      return isHtml || message === ''
        ? { kind: 'fatal', reason: `${titleOf(response)}, not from InfluxDB: ${reason}` }
        : readMessage(message, line)
    case 201:
      // Older builds: some lines are written. Without a word about which are not, each has to be found.
      return readMessage(reason, line)
    case 401:
      return { kind: 'unauthorized', reason }
    case 403:
      return OUTSIDE_RETENTION.test(reason)
        ? { kind: 'whole-batch', reason, suspect: undefined }
        : { kind: 'forbidden', reason }
    case 404:
      return NO_DATABASE.test(reason) ? { kind: 'no-database', reason } : { kind: 'fatal', reason }
    case 413:
      return { kind: 'too-large', reason }
    case 429:
    case 503:
      return { kind: 'overloaded', reason }
    default:
      return status === 0 || status === 408 || status >= 500
        ? { kind: 'unknown-outcome', reason }
        : { kind: 'fatal', reason: reason === titleOf(response) ? reason : `${titleOf(response)}: ${reason}` }
  }
}

const OUTSIDE_RETENTION = /outside (of )?(the )?(database )?retention/i
const NO_DATABASE =
  /non-existing namespace|(namespace|database|bucket) .*(does not exist|not found)|(database|bucket) not found/i
const TOO_LARGE = /max request size|request too large|body (is )?too large/i
const BAD_REQUEST = /missing bucket value|missing field `db`|failed to deserialize db\/rp\/precision/i
/** The body was sound when it left: what reached the cluster was damaged on the way. */
const DAMAGED_ON_THE_WAY = /error decoding gzip stream|error reading body/i

function readMessage(message: string, line: number | undefined): Refusal {
  const lines = readLines(message)
  if (lines.size > 0) return { kind: 'lines', lines }
  if (NO_DATABASE.test(message)) return { kind: 'no-database', reason: message }
  if (TOO_LARGE.test(message)) return { kind: 'too-large', reason: message }
  if (BAD_REQUEST.test(message)) return { kind: 'fatal', reason: message }
  if (DAMAGED_ON_THE_WAY.test(message)) return { kind: 'unknown-outcome', reason: message }
  return { kind: 'whole-batch', reason: message, suspect: line }
}

/** Where a message about one line begins: at the start, on a line of its own, or after a known prefix. */
const LINE_MESSAGE =
  /(?:^|\n|;|line\(s\):|line protocol:)\s*(?:error (?:parsing|writing) line (\d+)(?: \(1-based\))?:?|(timestamp overflows i64) on line (\d+)(?: \(1-based\))?)/g

function readLines(message: string): Map<number, string> {
  const lines = new Map<number, string>()
  const matches = [...message.matchAll(LINE_MESSAGE)]
  matches.forEach((match, index) => {
    const [whole, line, overflow, overflowLine] = match
    const end = matches[index + 1]?.index ?? message.length
    const rest = message.slice(match.index + whole.length, end).trim()
    const number = Number(line ?? overflowLine)
    if (!lines.has(number)) lines.set(number, overflow ?? (rest === '' ? 'refused without a reason' : rest))
  })
  return lines
}

interface Body {
  message: string
  line: number | undefined
  isHtml: boolean
}

function readBody({ body }: WriteResponse): Body {
  const text = body.trim()
  if (text.startsWith('<')) return { message: textOfHtml(text), line: undefined, isHtml: true }
  if (!text.startsWith('{')) return { message: text.slice(0, 500), line: undefined, isHtml: false }
  try {
    const json = parseExactJson(text)
    // 1.x and its relatives call it `error`.
    const message = stringOf(propertyOf(json, 'message')) ?? stringOf(propertyOf(json, 'error')) ?? ''
    const line = propertyOf(json, 'line')
    return { message: message.trim(), line: typeof line === 'number' ? line : undefined, isHtml: false }
  } catch {
    return { message: messageOfCutJson(text), line: undefined, isHtml: false }
  }
}

/** A hundred long reasons may be longer than what is kept of an answer: the message as far as it goes. */
function messageOfCutJson(text: string): string {
  const start = /"(?:message|error)"\s*:\s*"/.exec(text)
  const rest = start === null ? text : text.slice(start.index + start[0].length)
  return rest.replace(/\\n/g, '\n').replace(/\\(["\\])/g, '$1')
}

/** A proxy's error page, as one line. */
function textOfHtml(html: string): string {
  const title = /<title>([^<]*)<\/title>/i.exec(html)?.[1]
  return (title ?? html.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim().slice(0, 200)
}

function titleOf({ status, error }: WriteResponse): string {
  return status === 0 ? (error ?? 'no answer') : `HTTP ${status}`
}
