/** Batches that go to a destination instead of a spool: the same ones, no more ahead than there is room for, nothing on disk. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { BatchDestination } from '../../../src/lines/batch-writer.ts'
import { spoolSlice } from '../../../src/lines/spool-slice.ts'
import { chunked, spoolDefaults, spooled } from '../../rig/spooling.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const batch = { lines: 10, bytes: 10_000 }
const points = (count: number) => Array.from({ length: count }, (_, i) => `m v=${i} ${i}\n`).join('')

async function sliceInto(destination: BatchDestination, text: string, signal = new AbortController().signal) {
  const folder = await temporaryFolder()
  const counts = spoolSlice(chunked(Buffer.from(text), []), {
    ...spoolDefaults,
    batch,
    destination,
    workDir: join(folder, 'runs'),
    deadLetters: { add: () => undefined, flush: async () => undefined },
    signal,
    onProgress: () => undefined,
  })
  counts.catch(() => undefined)
  return { counts, folder }
}

class Taken implements BatchDestination {
  readonly texts: string[] = []
  readonly sums: unknown[] = []
  calls: string[] = []
  room: () => Promise<void> = async () => undefined

  async write(member: Uint8Array, sums: { lines: number; points: number; rawBytes: number }): Promise<void> {
    this.texts.push(gunzipSync(member).toString())
    this.sums.push(sums)
    await this.room()
  }

  async finish(): Promise<void> {
    this.calls.push('finish')
  }

  async abandon(): Promise<void> {
    this.calls.push('abandon')
  }
}

test('are those of the spool, in its order, and leave nothing on disk', async () => {
  const taken = new Taken()
  const text = points(234)
  const { counts, folder } = await sliceInto(taken, text)
  const spool = await spooled(text, { batch })
  expect(await counts).toEqual(spool.counts)
  expect(taken.texts).toEqual(spool.members.map(String))
  expect(taken.sums).toEqual(
    spool.index.batches.map(({ lines, points, rawBytes }) => ({ lines, points, rawBytes })),
  )
  expect(taken.calls).toEqual(['finish'])
  expect(await readdir(folder)).toEqual([])
})

test('wait for room', async () => {
  const taken = new Taken()
  const waiting: (() => void)[] = []
  taken.room = () => new Promise((resolve) => waiting.push(resolve))
  const { counts } = await sliceInto(taken, points(50))
  for (let batch = 1; batch <= 5; batch += 1) {
    while (waiting.length === 0) await sleep(5)
    await sleep(20)
    expect(taken.texts).toHaveLength(batch)
    waiting.shift()?.()
  }
  expect(await counts).toMatchObject({ batches: 5 })
})

test('end with what the destination fails with, or with the reason of the signal', async () => {
  const failing = new Taken()
  failing.room = () => Promise.reject(new Error('refused'))
  const { counts, folder } = await sliceInto(failing, points(100))
  await expect(counts).rejects.toThrow('refused')
  expect(failing.calls).toEqual(['abandon'])
  expect(await readdir(folder)).toEqual([])

  const stop = new AbortController()
  const stopped = new Taken()
  stopped.room = async () => stop.abort(new Error('enough'))
  const interrupted = await sliceInto(stopped, points(1000), stop.signal)
  await expect(interrupted.counts).rejects.toThrow('enough')
  expect(stopped.texts.length).toBeLessThan(10)
})
