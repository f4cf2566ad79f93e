/**
 * Seeded random lives of a database: writes, overwrites, deletes of every kind, and in between what happens to all
 * databases of one influxd at once (snapshots, restarts, kill -9). The same seed gives the same history.
 *
 * Many histories share one influxd, each in a database of its own: a snapshot takes a second however many they are.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Influxd } from './influxd.ts'
import { identifier } from './influxql.ts'
import { boolean, encodeLine, float, integer, string, type FieldValue, type Line } from './points.ts'

const SECOND = 1_000_000_000n
const DAY = 86_400n * SECOND
/** 2021-03-01T00:00:00Z: the first of the days that points fall on, each a shard group. */
export const FIRST_DAY = 1_614_556_800n * SECOND
const DAYS = 3
export const POLICY = 'autogen'

/** What all histories go through together, between their own steps. */
export type Event = 'none' | 'snapshot' | 'half-snapshot' | 'restart' | 'kill'

type Step = { kind: 'write'; lines: Line[] } | { kind: 'statement'; q: string }

/** Whole numbers below `limit`, from a seed (mulberry32). */
export function randomFrom(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

/** The events of a run of `length` phases: the first is a snapshot, the last a restart. */
export function eventsFrom(seed: number, length: number): Event[] {
  const random = randomFrom(seed)
  const kinds = ['none', 'snapshot', 'snapshot', 'half-snapshot', 'restart', 'kill'] as const
  const events: Event[] = Array.from({ length }, () => kinds[random(kinds.length)] ?? 'none')
  events[0] = 'snapshot'
  events[length - 1] = 'restart'
  return events
}

/** One database's random life. `phase()` gives what it does until the next event. */
export class History {
  readonly seed: number
  readonly database: string
  readonly #random: (limit: number) => number
  /** Times on a grid are written again and again; each history has its own step. */
  readonly #step: bigint
  /** Goes up when a measurement is dropped, and with it the types of its fields change. */
  readonly #versions = new Map<string, number>()

  constructor(seed: number) {
    this.seed = seed
    this.database = `h${seed}`
    this.#random = randomFrom(seed)
    this.#step = [1n, 1000n, SECOND, 60n * SECOND, 7_777_777_777n][this.#random(5)] ?? SECOND
  }

  phase(): Step[] {
    return Array.from({ length: 1 + this.#random(5) }, () => this.#stepOf())
  }

  /** A point in every shard. */
  marks(): Line[] {
    return Array.from({ length: DAYS }, (_, day) => ({
      ...this.#line(FIRST_DAY + BigInt(day) * DAY, 'mark'),
      fields: { f: float(this.#random(100)) },
    }))
  }

  #stepOf(): Step {
    const kind = this.#random(20)
    if (kind < 13) return { kind: 'write', lines: this.#lines() }
    if (kind === 13) return { kind: 'write', lines: this.#longSeries() }
    return { kind: 'statement', q: this.#delete() }
  }

  #lines(): Line[] {
    const lines = Array.from({ length: 1 + this.#random(60) }, () => this.#line(this.#time()))
    // Unsorted as they are; now and then in order, now and then one point many times.
    if (this.#random(3) === 0) lines.sort((a, b) => (a.time < b.time ? -1 : 1))
    if (this.#random(4) === 0) {
      const { time, measurement, tags } = lines[0] ?? this.#line(FIRST_DAY)
      lines.push(...[1, 2, 3].map(() => ({ ...this.#line(time, measurement), tags })))
    }
    return lines
  }

  /** More than one block's worth, with regular, irregular or no steps in time. */
  #longSeries(): Line[] {
    const measurement = this.#measurement()
    const tags = this.#tags()
    const pace = this.#random(3)
    let time = FIRST_DAY + BigInt(this.#random(1000)) * SECOND
    return Array.from({ length: 900 + this.#random(1800) }, () => {
      time +=
        pace === 0
          ? SECOND
          : pace === 1
            ? BigInt(1 + this.#random(20)) * 1_000_000n
            : BigInt(1 + this.#random(2 ** 31))
      return { ...this.#line(time, measurement), tags }
    })
  }

  #delete(): string {
    const measurement = identifier(this.#measurement())
    const from = this.#time()
    const to = from + BigInt(this.#random(50)) * this.#step
    const tag = this.#random(2) === 0 ? '' : ` AND "t" = 'v${this.#random(4)}'`
    switch (this.#random(7)) {
      case 0:
        return `DROP SERIES FROM ${measurement} WHERE "t" = 'v${this.#random(4)}'`
      case 1: {
        const name = this.#names[this.#random(this.#names.length)] ?? 'cpu'
        this.#versions.set(name, (this.#versions.get(name) ?? 0) + 1)
        return `DROP MEASUREMENT ${identifier(name)}`
      }
      case 2:
        return `DELETE FROM ${measurement} WHERE time >= ${from}${tag}`
      case 3:
        return `DELETE FROM ${measurement} WHERE time < ${from}${tag}`
      case 4:
        return `DELETE WHERE time >= ${from} AND time <= ${to}`
      case 5:
        return `DELETE FROM ${measurement} WHERE "t" = 'v${this.#random(4)}'`
      default:
        return `DELETE FROM ${measurement} WHERE time >= ${from} AND time < ${to}${tag}`
    }
  }

  /** None begins with another: DROP MEASUREMENT would keep its fields' types (Engine.DeleteMeasurement, HasPrefix). */
  readonly #names = ['cpu', 'two words', 'größe', 'a,b=c']

  #measurement(): string {
    return this.#names[this.#random(this.#names.length)] ?? 'cpu'
  }

  #tags(): Record<string, string> {
    return {
      ...(this.#random(4) > 0 && { t: `v${this.#random(4)}` }),
      ...(this.#random(6) === 0 && { 'x y': ['a b', 'ü', 'a=b', 'a,b', '!', '"'][this.#random(6)] ?? 'a' }),
    }
  }

  #time(): bigint {
    const day = FIRST_DAY + BigInt(this.#random(DAYS)) * DAY
    return day + BigInt(this.#random(80)) * this.#step
  }

  #line(time: bigint, measurement = this.#measurement()): Line {
    const version = this.#versions.get(measurement) ?? 0
    const fields: Record<string, FieldValue> = {}
    for (let i = 0; i < 5; i++) if (this.#random(3) === 0) fields[`f${i}`] = this.#value((i + version) % 4)
    if (Object.keys(fields).length === 0) fields.f0 = this.#value(version % 4)
    return { measurement, tags: this.#tags(), fields, time }
  }

  #value(type: number): FieldValue {
    const random = this.#random
    if (type === 0) {
      const odd = [0, -0, 0.1, 1e21, 5e-324, Number.MAX_VALUE, -1.5, 1 / 3]
      return float(random(3) === 0 ? (odd[random(odd.length)] ?? 0) : random(2000) / 8)
    }
    if (type === 1) {
      const odd = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -1n, 0n]
      return integer(random(6) === 0 ? (odd[random(odd.length)] ?? 0n) : BigInt(random(1000)))
    }
    if (type === 2) return boolean(random(2) === 0)
    const odd = ['', 'a "b" \\', 'two\nlines', 'ü😀', 'x'.repeat(300), '#!~#']
    return string(random(3) === 0 ? (odd[random(odd.length)] ?? '') : `s${random(50)}`)
  }
}

/** Runs a phase of a history. */
export async function live(influxd: Influxd, history: History, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'write') await influxd.write(step.lines.map(encodeLine), history.database, POLICY)
    else await influxd.query(step.q, history.database)
  }
}

export async function createDatabase(influxd: Influxd, { database }: History): Promise<void> {
  const policy = `DURATION INF REPLICATION 1 SHARD DURATION 1d NAME ${identifier(POLICY)}`
  await influxd.query(`CREATE DATABASE ${identifier(database)} WITH ${policy}`)
}

/**
 * Lets an event happen. Afterwards data stays in the WAL until the next one.
 *
 * `snapshot` leaves a point in every shard first. Else influxd keeps some WALs for ever: those of which every point was
 * deleted (WriteSnapshot does nothing for an empty cache), and those that it found when it started, into which nothing was
 * written since (WAL.CloseSegment counts such a segment as empty). The latter is what `half-snapshot` is about: the same
 * points in a TSM file and in the WAL.
 */
export async function happen(influxd: Influxd, event: Event, histories: readonly History[]): Promise<void> {
  if (event === 'snapshot') {
    await influxd.restart({ snapshotAfter: '1s' })
    for (const history of histories) await live(influxd, history, [{ kind: 'write', lines: history.marks() }])
    await influxd.snapshotted()
    await influxd.restart({ snapshotAfter: '24h' })
  } else if (event === 'half-snapshot') {
    await influxd.restart({ snapshotAfter: '1s' })
    await sleep(2500)
    await influxd.restart({ snapshotAfter: '24h' })
  } else if (event === 'restart') await influxd.restart()
  else if (event === 'kill') {
    await influxd.kill()
    await influxd.restart()
  }
}
