import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ALL_TIME, type TimeWindow } from '../../../../src/core/time.ts'
import { ReplayedWals } from '../../../../src/source/tsm/replayed-wals.ts'
import { readWal, type Wal } from '../../../../src/source/tsm/wal.ts'
import { temporaryFolder } from '../../../rig/temporary-folder.ts'
import { walEntry, writeWal } from '../../../rig/tsm-files.ts'

const MEMORY = 64e6
const PAGE = 1 << 20

async function segment(name = '_00001.wal'): Promise<string> {
  const path = join(await temporaryFolder(), name)
  writeWal(path, [
    { write: { 'm#!~#f': [[1n, 1]] } },
    { write: { 'm#!~#f': [[2n, 2]] } },
    { write: { 'n#!~#f': [[3n, 3]] } },
  ])
  return path
}

async function replayed(path: string, memory = MEMORY, window: TimeWindow = ALL_TIME): Promise<Wal> {
  return readWal([path], { window, memory, temporaryFolder: await temporaryFolder(), onNote: () => {} })
}

function keysOf({ runs }: Wal): string[] {
  const keys: string[] = []
  for (const run of runs) while (run.next()) keys.push(run.key.toString())
  return keys
}

describe('a WAL that was replayed', () => {
  test('is taken once, from its first key on, with its counts', async () => {
    const path = await segment()
    const wals = new ReplayedWals(MEMORY)
    const wal = await replayed(path)
    const { counts } = wal
    expect(keysOf(wal)).toEqual(['m#!~#f', 'n#!~#f'])
    wals.keep([path], ALL_TIME, wal)

    const taken = wals.take([path], ALL_TIME)
    expect(taken?.counts).toEqual(counts)
    expect(taken && keysOf(taken)).toEqual(['m#!~#f', 'n#!~#f'])
    expect(wals.take([path], ALL_TIME)).toBeUndefined()
  })

  test('is that of its segments and its window', async () => {
    const path = await segment()
    const wals = new ReplayedWals(MEMORY)
    wals.keep([path], ALL_TIME, await replayed(path))
    expect(wals.take([path, `${path}2`], ALL_TIME)).toBeUndefined()
    expect(wals.take([path], { ...ALL_TIME, end: 2n })).toBeUndefined()
    expect(wals.take([path], ALL_TIME)).toBeDefined()
  })

  test('is not kept where something was noted: it is to be noted by who reads it as well', async () => {
    const path = await segment()
    appendFileSync(path, walEntry({ write: { 'm#!~#f': [[9n, 9]] } }).subarray(0, 7))
    const wals = new ReplayedWals(MEMORY)
    wals.keep([path], ALL_TIME, await replayed(path))
    expect(wals.take([path], ALL_TIME)).toBeUndefined()
  })

  test('is not kept where there is no room beside those that are', async () => {
    const [first, second] = [await segment(), await segment()]
    const wals = new ReplayedWals(PAGE)
    wals.keep([first], ALL_TIME, await replayed(first))
    wals.keep([second], ALL_TIME, await replayed(second))
    expect(wals.take([second], ALL_TIME)).toBeUndefined()
    expect(wals.take([first], ALL_TIME)).toBeDefined()
    wals.keep([second], ALL_TIME, await replayed(second))
    expect(wals.take([second], ALL_TIME)).toBeDefined()
  })

  test('is not kept in files', async () => {
    const path = await segment()
    const wals = new ReplayedWals(MEMORY)
    const wal = await replayed(path, 1)
    expect(wal.runs.length).toBeGreaterThan(1)
    wals.keep([path], ALL_TIME, wal)
    expect(wals.take([path], ALL_TIME)).toBeUndefined()
  })
})
