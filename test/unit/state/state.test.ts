import fc from 'fast-check'
import { expect, test } from 'vitest'
import { initialState, isAcknowledged, pendingBatches, reduce } from '../../../src/state/state.ts'
import type { ExportedSlice } from '../../../src/state/state.generated.ts'

const counts = {
  pointsRead: 100,
  points: 100,
  overwritten: 0,
  deleted: 0,
  skipped: 0,
  filtered: 0,
  refusedPoints: 0,
  rows: 50,
  batches: 50,
  rawBytes: 1000,
  gzipBytes: 100,
}
const outcome = { lines: 1, points: 2, refusedLines: 0, refusedPoints: 0, bytes: 2 }
const exported = reduce(initialState('plant', 'hash'), {
  type: 'slice-exported',
  slice: 'a/0_1',
  target: 'plant',
  fingerprint: 'f',
  counts,
})

test('acknowledged batches, in whatever order, leave exactly the others pending', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 49 })), (batches) => {
      const state = batches.reduce(
        (before, batch) => reduce(before, { type: 'batch-acknowledged', slice: 'a/0_1', batch, outcome }),
        exported,
      )
      const { sent } = state.slices['a/0_1'] as ExportedSlice
      const pending = [...pendingBatches(sent, 50)]
      expect(pending).toEqual(Array.from({ length: 50 }, (_, n) => n).filter((n) => !batches.includes(n)))
      expect(sent.lines).toBe(batches.length)
      for (const [before, range] of sent.batches.slice(1).entries()) {
        expect(range.first).toBeGreaterThan((sent.batches[before]?.last ?? 0) + 1)
      }
      for (const batch of batches) expect(isAcknowledged(state, 'a/0_1', batch)).toBe(true)
    }),
  )
})

test('a batch acknowledged twice is a defect, not a count', () => {
  const once = reduce(exported, { type: 'batch-acknowledged', slice: 'a/0_1', batch: 3, outcome })
  expect(() => reduce(once, { type: 'batch-acknowledged', slice: 'a/0_1', batch: 3, outcome })).toThrow(
    'twice',
  )
})

test('a replaced token keeps the ids of the lost ones', () => {
  const create = (id: string) => ({
    type: 'token-created' as const,
    description: 't',
    id,
    at: 'now',
    databases: ['plant'],
  })
  const state = [create('one'), create('two'), create('three')].reduce(reduce, exported)
  expect(state.tokens['t']).toMatchObject({ id: 'three', replaced: ['one', 'two'] })
})

test('the last twenty runs are kept, the newest with its outcome', () => {
  let state = exported
  for (let run = 0; run < 25; run += 1) {
    state = reduce(state, {
      type: 'run-started',
      at: `${run}`,
      version: '1',
      manifestHash: 'h',
      environment: undefined,
    })
  }
  state = reduce(state, { type: 'run-ended', at: 'end', outcome: 'done' })
  expect(state.runs).toHaveLength(20)
  expect(state.runs.at(-1)).toEqual({ startedAt: '24', version: '1', endedAt: 'end', outcome: 'done' })
})
