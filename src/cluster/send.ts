/** One body, sent until the cluster has said what it makes of it. */
import { Failure } from '../core/failure.ts'
import type { Clock } from '../io/clock.ts'
import { showSlice } from '../plan/slices.ts'
import type { WriteClient } from './cluster.ts'
import type { Lanes } from './lanes.ts'
import { readRefusal, type Refusal } from './refusal.ts'

export interface SendOptions {
  database: string
  slice: string
  client: WriteClient
  lanes: Lanes
  clock: Clock
  /** Repeats of a body whose outcome is not known. */
  maxRetries: number
  /** Milliseconds after a token's creation in which its 401 is waited out. */
  tokenActivation: number
  /** Milliseconds since the epoch; `undefined` for a token that was given ready. */
  tokenCreatedAt: number | undefined
}

/** A refusal that is about the content; the others are waited out or end the run. */
export type ContentRefusal = Extract<Refusal, { kind: 'lines' | 'whole-batch' | 'too-large' }>

/** Milliseconds without any batch stored, on any lane, after which an overloaded cluster is given up. */
const OVERLOAD_PATIENCE = 600_000
/** Milliseconds between attempts with a new token, growing by half. */
const ACTIVATION_STEP = 2000
const ACTIVATION_STEP_CAP = 15_000

/**
 * @returns `undefined` once the body is stored (204), or the refusal of its content.
 * @throws Failure `write/unauthorized`, `write/forbidden`, `write/no-database`, `write/overloaded`,
 *   `write/no-answer`, `write/refused`; the signal's reason
 */
export async function send(
  body: Uint8Array,
  options: SendOptions,
  signal: AbortSignal,
): Promise<ContentRefusal | undefined> {
  const { database, client, lanes, clock } = options
  const started = clock.now()
  let overloads = 0
  let unknowns = 0
  let activationStep = ACTIVATION_STEP
  for (;;) {
    await lanes.throttle(body.length, signal)
    const { slowedDown } = lanes
    const response = await client.write(database, body, signal)
    const refusal = readRefusal(response)
    if (refusal === undefined) {
      lanes.stored()
      return undefined
    }
    switch (refusal.kind) {
      case 'lines':
      case 'whole-batch':
      case 'too-large':
        return refusal
      case 'overloaded':
        if (clock.now() - Math.max(started, lanes.lastStored) > OVERLOAD_PATIENCE)
          throw failureOf(refusal, options)
        lanes.overloaded(slowedDown)
        await lanes.backOff(overloads, response.retryAfter, signal)
        overloads += 1
        break
      case 'unknown-outcome':
        if (unknowns >= options.maxRetries) throw failureOf(refusal, options)
        await lanes.backOff(unknowns, response.retryAfter, signal)
        unknowns += 1
        break
      case 'unauthorized':
      case 'forbidden':
        if (!isActivating(options)) throw failureOf(refusal, options)
        await clock.sleep(activationStep, signal)
        activationStep = Math.min(ACTIVATION_STEP_CAP, activationStep * 1.5)
        break
      case 'no-database':
      case 'fatal':
        throw failureOf(refusal, options)
    }
  }
}

function isActivating({ tokenCreatedAt, tokenActivation, clock }: SendOptions): boolean {
  return tokenCreatedAt !== undefined && clock.now() < tokenCreatedAt + tokenActivation
}

function failureOf(
  { kind, reason }: Exclude<Refusal, ContentRefusal>,
  { database, slice, tokenCreatedAt, tokenActivation }: SendOptions,
): Failure {
  const where = `${showSlice(slice)} -> ${database}`
  const waited =
    tokenCreatedAt === undefined ? '' : ` (${tokenActivation / 1000} s after the token was created)`
  switch (kind) {
    case 'unauthorized':
      return new Failure('write/unauthorized', `the cluster does not know the token${waited}: ${reason}`, {
        where,
        remedy:
          'Check the token in the manifest. It must be a database token: a management token cannot write.\n' +
          'If influx-ferry created it and it was revoked since, remove the file it is kept in and run again.\n' +
          'If it is only new, wait longer for it: "target: { write: { tokenActivation: 10m } }".',
      })
    case 'forbidden':
      return new Failure('write/forbidden', `the token may not write to "${database}"${waited}: ${reason}`, {
        where,
        remedy: `Give the token write permission on "${database}", or name another token in the manifest.`,
      })
    case 'no-database':
      return new Failure('write/no-database', `the target database "${database}" is not there: ${reason}`, {
        where,
        remedy:
          'Run with all phases, so that influx-ferry creates it; with "admin: { kind: none }", have it created by exactly ' +
          'this name.',
      })
    case 'overloaded':
      return new Failure(
        'write/overloaded',
        `the cluster has taken nothing for ${OVERLOAD_PATIENCE / 60_000} minutes: ${reason}`,
        { where, remedy: 'Run again when the cluster has recovered: what is stored is not sent again.' },
      )
    case 'unknown-outcome':
      return new Failure('write/no-answer', `the cluster gave no usable answer: ${reason}`, {
        where,
        remedy:
          'Nothing is lost: run again when the cluster is well, and only what is not acknowledged is sent.',
      })
    case 'fatal':
      return new Failure('write/refused', `the cluster does not take the request: ${reason}`, {
        where,
        remedy: 'Check target.url and target.write.api in the manifest, and the proxy before the cluster.',
      })
  }
}
