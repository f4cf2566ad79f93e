import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addCheck,
  checkOf,
  differenceOf,
  initialState,
  isAcknowledged,
  isSettled,
  pendingBatches,
  reduce,
  type StateEvent,
} from '../../../src/state/state.ts'
import type {
  ExportedSlice,
  Recipe,
  SendingSlice,
  SliceState,
  State,
} from '../../../src/state/state.generated.ts'
import { totalsOf } from '../../../src/state/totals.ts'

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

describe('a slice that is sent as it is read', () => {
  const slice = 'a/0_1'
  const recipe: Recipe = {
    files: 'f',
    reader: 'tsm fail',
    batchLines: 10,
    batchBytes: 1000,
    memory: 1 << 20,
    version: '1',
  }
  const begin = { type: 'slice-sending', slice, target: 'plant', fingerprint: 'f', recipe } as const
  const sending = reduce(initialState('plant', 'hash'), begin)
  const acknowledge = (state: State, batch: number) =>
    reduce(state, { type: 'batch-acknowledged', slice, batch, outcome, check: batch + 100 })
  const stateOf = (state: State) => state.slices[slice] as SendingSlice

  test('has its batches acknowledged in any order, and keeps the same check', () => {
    const orders = [
      [0, 1, 5],
      [5, 0, 1],
    ].map((batches) => stateOf(batches.reduce(acknowledge, sending)))
    expect(orders[0]).toEqual(orders[1])
    expect(orders[0]?.sent.batches).toEqual([
      { first: 0, last: 1 },
      { first: 5, last: 5 },
    ])
    expect(isAcknowledged(acknowledge(sending, 3), slice, 3)).toBe(true)
    expect(orders[0]?.check).toBe([100, 101, 105].reduce(addCheck))
  })

  test('is counted when it is written, and not before', () => {
    const sent = acknowledge(sending, 0)
    expect(() => reduce(sent, { type: 'slice-written', slice })).toThrow('not counted')
    const { sent: batches } = stateOf(sent)
    expect(reduce(sent, { type: 'slice-written', slice, counts }).slices[slice]).toEqual({
      ...{ status: 'written', target: 'plant', fingerprint: 'f', counts, sent: batches },
    })
  })

  test.each([
    ['fails', { type: 'slice-failed', slice, target: 'plant', code: 'c', message: 'm' }],
    ['is sent from the start again', begin],
    ['is exported after all', { type: 'slice-exported', slice, target: 'plant', fingerprint: 'f', counts }],
  ] as [string, StateEvent][])(
    'that %s is known to be partly written, and only if something was acknowledged',
    (_, event) => {
      const before = reduce(sending, event).slices[slice] as SliceState
      expect(isSettled(before)).toBe(false)
      const after = reduce(acknowledge(sending, 0), event)
      expect(after.slices[slice]).toMatchObject({ partlyWritten: true })
      expect(isSettled(after.slices[slice] as SliceState)).toBe(true)
      expect(isAcknowledged(after, slice, 0)).toBe(false)
      // And stays so.
      const again = reduce(reduce(after, begin), begin).slices[slice]
      expect(again).toMatchObject({ status: 'sending', partlyWritten: true, check: 0 })
    },
  )

  test('counts with what is acknowledged of it', () => {
    const state = [0, 1, 2].reduce(acknowledge, sending)
    const totals = totalsOf([{ id: slice }], state)
    expect(totals.slices).toEqual({ pending: 0, exported: 0, sending: 1, written: 0, failed: 0 })
    expect(totals).toMatchObject({ pointsRead: 6, points: 6, rows: 3, rowsWritten: 3, rowsLeft: 0 })
  })

  test('has a recipe whose differences are named', () => {
    expect(differenceOf(recipe, { ...recipe })).toEqual([])
    const other: Recipe = {
      files: 'g',
      reader: 'tsm skip',
      batchLines: 10,
      batchBytes: 2000,
      memory: 1,
      version: '2',
    }
    expect(differenceOf(recipe, other)).toHaveLength(5)
    for (const key of Object.keys(recipe) as (keyof Recipe)[])
      if (key !== 'batchLines') expect(differenceOf(recipe, { ...recipe, [key]: other[key] })).toHaveLength(1)
  })
})

test('the check of a batch depends on its number and on what it holds, and not on how it is compressed', () => {
  const text = Buffer.from('m v=1 1\n'.repeat(100))
  const check = checkOf(7, gzipSync(text, { level: 1 }))
  expect(checkOf(7, gzipSync(text, { level: 9 }))).toBe(check)
  expect(checkOf(8, gzipSync(text, { level: 1 }))).not.toBe(check)
  expect(checkOf(7, gzipSync(Buffer.concat([text, text]), { level: 1 }))).not.toBe(check)
})

test('what a retry changes keeps the sums closed', () => {
  const sending = reduce(exported, {
    type: 'batch-acknowledged',
    slice: 'a/0_1',
    batch: 0,
    outcome: { lines: 40, points: 80, refusedLines: 10, refusedPoints: 20, bytes: 9 },
  })
  const event: StateEvent = {
    type: 'letters-retried',
    mapping: 'a',
    file: 'hash of the file',
    changes: [
      {
        slice: 'a/0_1',
        counts: {
          points: 3,
          overwritten: 1,
          deleted: 0,
          filtered: 0,
          refusedPoints: -4,
          skipped: 0,
          rows: 2,
        },
        sent: { lines: 9, points: 17, refusedLines: -7, refusedPoints: -14 },
      },
      {
        slice: 'a/0_1',
        counts: {
          points: -2,
          overwritten: 0,
          deleted: 0,
          filtered: 0,
          refusedPoints: 0,
          skipped: 0,
          rows: -1,
          dropped: 3,
          added: 1,
        },
        sent: { lines: 0, points: 0, refusedLines: -1, refusedPoints: -2 },
      },
    ],
  }
  expect(() => reduce(sending, event)).toThrow('not written')
  const retried = reduce(reduce(sending, { type: 'slice-written', slice: 'a/0_1' }), event)
  expect(retried.deadLetters).toEqual({ a: 'hash of the file' })
  expect(retried.slices['a/0_1']).toMatchObject({
    status: 'written',
    counts: { ...counts, points: 101, overwritten: 1, refusedPoints: -4, rows: 51, dropped: 3, added: 1 },
    sent: {
      batches: [{ first: 0, last: 0 }],
      lines: 49,
      points: 97,
      refusedLines: 2,
      refusedPoints: 4,
      bytes: 9,
    },
  })
})

test('a run keeps its phases, what was acknowledged in it, and a bounded number of warnings', () => {
  const started: State = reduce(exported, {
    type: 'run-started',
    ...{
      at: '2026-01-05T08:00:00.000Z',
      version: '1',
      manifestHash: 'hash',
      environment: undefined,
      slices: 1,
    },
  })
  const at = Date.parse('2026-01-05T08:00:02Z')
  const events: StateEvent[] = [
    { type: 'phase-started', at: '2026-01-05T08:00:01.000Z', phase: 'write' },
    { type: 'batch-acknowledged', slice: 'a/0_1', batch: 0, outcome, at },
    { type: 'batch-acknowledged', slice: 'a/0_1', batch: 1, outcome, at: at + 1000 },
    { type: 'phase-ended', seconds: 3, outcome: 'interrupted' },
    ...Array.from({ length: 60 }, (_, n) => ({ type: 'warned' as const, message: `${n}` })),
  ]
  const { runs } = events.reduce(reduce, started)
  const [{ warnings, ...run }] = runs as [State['runs'][number]]
  expect(warnings).toHaveLength(50)
  expect(run).toEqual({
    startedAt: '2026-01-05T08:00:00.000Z',
    version: '1',
    slices: 1,
    phases: [{ phase: 'write', startedAt: '2026-01-05T08:00:01.000Z', seconds: 3, outcome: 'interrupted' }],
    acknowledged: { batches: 2, rows: 2, points: 4, refusedRows: 0, refusedPoints: 0, bytes: 4 },
    rate: {
      startedAt: '2026-01-05T08:00:02.000Z',
      everySeconds: 0.125,
      rows: [1, 0, 0, 0, 0, 0, 0, 0, 1],
      bytes: [2, 0, 0, 0, 0, 0, 0, 0, 2],
    },
    warningsLeftOut: 10,
  })
})
