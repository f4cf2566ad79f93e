/** The files of a slice, made from a seed: overlapping TSM files, tombstones and a WAL of a few series in one or two shards. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from './random-columns.ts'
import { encodeBlock } from './tsm-encode.ts'
import {
  writeTombstone,
  writeTsm,
  writeWal,
  type Deleted,
  type WalEntry,
  type WalValue,
} from './tsm-files.ts'
import type { Value } from './tsm-slow-blocks.ts'

const SERIES = ['cpu', 'cpu!', 'cpu,host=a', 'cpu,host=b', 'größe,x\\ y=a\\,b', 'two\\ words,t=\\\\nas\\b']
const FIELDS = ['f0', 'f1', 'a=b', 'x y', 'f"']
const TEXTS = ['', 'plain', 'a "b" \\', 'two\nlines', '日本語 🎉', 'y'.repeat(200)]
const FLOATS = [0, -0, 0.1, 1e21, 5e-324, Number.MAX_VALUE, -1.5, 1 / 3]
const START = 1_600_000_000_000_000_000n
/** Times are on a grid of as many steps of a second. */
const STEPS = 120

export interface RandomSlice {
  paths: string[]
  /** A part of the time that the points are in. */
  window: { start: bigint; end: bigint }
}

export function randomSlice(seed: number, folder: string): RandomSlice {
  const random = new Random(seed)
  const paths: string[] = []
  const types = new Map<string, number>()
  const typeOf = (key: string) => {
    const known = types.get(key) ?? random.below(5)
    types.set(key, known)
    // Now and then another one: the measurement was dropped in between.
    return random.chance(0.02) ? random.below(5) : known
  }
  for (const shard of ['3', '12'].slice(0, random.chance(0.2) ? 2 : 1)) {
    const dir = join(folder, shard)
    mkdirSync(dir, { recursive: true })
    const files = random.pick([0, 1, 1, 2, 3, 5])
    for (let file = 1; file <= files; file++) {
      const name = `${String(file).padStart(9, '0')}-000000001`
      const keys = someKeys(random)
      paths.push(join(dir, `${name}.tsm`))
      writeTsm(
        join(dir, `${name}.tsm`),
        keys.map((key) => ({ key, ...someBlocks(random, typeOf(key)) })),
      )
      if (!random.chance(0.4)) continue
      paths.push(join(dir, `${name}.tombstone`))
      const lists = Array.from({ length: 1 + random.below(2) }, () =>
        keys.filter(() => random.chance(0.4)).map((key) => someDelete(random, key)),
      )
      writeTombstone(join(dir, `${name}.tombstone`), random.chance(0.5) ? 4 : 3, ...lists)
    }
    if (files > 0 && random.chance(0.4)) continue
    const segments = 1 + random.below(2)
    for (let segment = 1; segment <= segments; segment++) {
      const path = join(dir, `_${String(segment).padStart(5, '0')}.wal`)
      paths.push(path)
      writeWal(
        path,
        Array.from({ length: 1 + random.below(5) }, () => someEntry(random, types)),
      )
    }
  }
  const from = random.below(STEPS)
  return {
    paths,
    window: { start: timeAt(from) + BigInt(random.below(2)), end: timeAt(from + 1 + random.below(STEPS)) },
  }
}

function timeAt(step: number): bigint {
  return START + BigInt(step) * 1_000_000_000n
}

function someKeys(random: Random): string[] {
  const keys = SERIES.flatMap((series) => FIELDS.map((field) => `${series}#!~#${field}`))
  const some = keys.filter(() => random.chance(0.4))
  return (some.length === 0 ? keys.slice(0, 1) : some).sort((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  )
}

function someBlocks(random: Random, type: number) {
  const size = random.pick([1, 5, 20, 100])
  const from = random.below(STEPS)
  const share = random.pick([0.1, 0.7, 1])
  const steps = Array.from({ length: STEPS - from }, (_, i) => from + i).filter(() => random.chance(share))
  const times = (steps.length === 0 ? [from] : steps).map(timeAt)
  const blocks = []
  for (let at = 0; at < times.length; at += size) {
    const some = times.slice(at, at + size)
    const data = encodeBlock(
      type,
      some,
      some.map(() => someValue(random, type)),
    ).subarray(4)
    blocks.push({ min: some[0] ?? 0n, max: some.at(-1) ?? 0n, data })
  }
  return { type, blocks }
}

function someValue(random: Random, type: number): Value {
  if (type === 0) return random.chance(0.2) ? random.pick(FLOATS) : random.below(1e6) / 8
  if (type === 1) return BigInt.asIntN(64, random.bigint() - random.bigint())
  if (type === 2) return random.chance(0.5)
  if (type === 3) return Buffer.from(random.pick(TEXTS))
  return random.bigint()
}

function someDelete(random: Random, key: string): Deleted {
  const from = random.below(STEPS)
  return [key, timeAt(from), timeAt(from + random.below(50))]
}

function someEntry(random: Random, types: Map<string, number>): WalEntry {
  const keys = someKeys(random)
  if (random.chance(0.15)) return { delete: keys }
  const from = random.below(STEPS)
  if (random.chance(0.25))
    return { deleteRange: keys, min: timeAt(from), max: timeAt(from + random.below(100)) }
  const written = keys.flatMap((key) => {
    const type = types.get(key) ?? 0
    types.set(key, type)
    // The rig writes no unsigned values into a WAL.
    if (type === 4) return []
    const points = Array.from({ length: 1 + random.below(30) }, (): [bigint, WalValue] => {
      const value = someValue(random, type)
      return [timeAt(random.below(STEPS)), Buffer.isBuffer(value) ? value.toString() : value]
    })
    return [[key, points] as const]
  })
  return { write: Object.fromEntries(written) }
}
