import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { makeReport, type ReportInput } from '../../../src/report/model.ts'
import { doneInput, run, sliceId, troubledInput, writtenSlice } from '../../rig/report-input.ts'

const verdictOf = (input: ReportInput) => makeReport(input).verdict

function withSlice(input: ReportInput, week: number, slice: ReturnType<typeof writtenSlice>): ReportInput {
  const slices = { ...input.state.slices, [sliceId('plant-1/plant/autogen', week)]: slice }
  return { ...input, state: { ...input.state, slices } }
}

describe('the verdict', () => {
  it('is "everything arrived" only when all was written, compared and equal', () => {
    expect(verdictOf(doneInput())).toEqual({
      outcome: 'equal',
      headline: 'Everything arrived and was compared',
      details: [
        '3,000 rows with 12,000 points acknowledged',
        'Compared with the source as it was exported, in count, first and last time, minimum, maximum and sum of every field: 3 slices equal',
      ],
    })
  })

  it('says that nothing was compared when there is no record, or all was written again since', () => {
    expect(verdictOf({ ...doneInput(), verification: undefined }).outcome).toBe('not-compared')
    const again = withSlice(doneInput(1), 0, writtenSlice('plant/autogen', 1000))
    expect(verdictOf(again)).toMatchObject({
      outcome: 'not-compared',
      headline: 'Everything was written, and not compared',
    })
  })

  it('counts a slice that was written since as not compared', () => {
    const input = withSlice(doneInput(), 3, writtenSlice('plant/autogen', 1000))
    expect(verdictOf(input)).toMatchObject({
      outcome: 'not-compared',
      headline: 'Everything was written, but 1 slice not compared',
    })
  })

  it('counts the slices of the last plan that nothing is known of', () => {
    const input = doneInput()
    input.state.runs = [{ ...run, slices: 5, outcome: 'interrupted' }]
    expect(makeReport(input).totals.slices).toMatchObject({ written: 3, pending: 2 })
    expect(verdictOf(input)).toMatchObject({
      outcome: 'unfinished',
      headline: 'Not finished: 3 of 5 slices are written',
    })
  })

  it('puts failed slices before differences, and differences before refused points', () => {
    const input = troubledInput()
    expect(verdictOf(input)).toMatchObject({
      outcome: 'failed',
      headline: '1 slice failed, 71 of 75 slices are written',
    })
    delete input.state.slices[Object.keys(input.state.slices).at(-1) ?? '']
    input.state.runs = input.state.runs.map(({ slices: _, ...rest }) => rest)
    expect(verdictOf(input)).toMatchObject({
      outcome: 'differs',
      headline: '2 differences between source and cluster',
    })
    const refused = withSlice(
      doneInput(),
      0,
      writtenSlice('plant/autogen', 1000, { refused: 2, verified: 'equal' }),
    )
    expect(verdictOf(refused)).toMatchObject({
      outcome: 'refused',
      headline: '8 points refused, all the rest arrived',
    })
  })

  it('does not take a loaded database whose retention is not set for finished', () => {
    const input = doneInput()
    input.state.databases = { 'plant/autogen': { origin: 'created', retention: 'loading' } }
    expect(verdictOf(input).outcome).toBe('unfinished')
  })

  it('says when dead letters and state do not agree', () => {
    const refused = withSlice(
      doneInput(),
      0,
      writtenSlice('plant/autogen', 1000, { refused: 2, verified: 'equal' }),
    )
    expect(verdictOf(refused).details).toContain('The dead letters hold 0 points, the state says 8')
  })
})

describe('the report', () => {
  it('fits its schema, with everything gone wrong too', () => {
    const schemas = ['state', 'event', 'verification', 'report'].map(
      (name) =>
        JSON.parse(
          readFileSync(new URL(`../../../schemas/${name}.schema.json`, import.meta.url), 'utf8'),
        ) as { $id: string },
    )
    const ajv = new Ajv2020({ strict: false, allErrors: true, schemas })
    addFormats.default(ajv)
    for (const input of [doneInput(), doneInput(0), troubledInput()]) {
      const report: unknown = JSON.parse(JSON.stringify(makeReport(input)))
      expect(ajv.validate(schemas[3]?.$id ?? '', report), ajv.errorsText()).toBe(true)
    }
  })

  it('has sums that close, over all and for each mapping', () => {
    const { sums, mappings, totals } = makeReport(troubledInput())
    for (const { whole, parts } of sums)
      expect(whole.count).toBe(parts.reduce((sum, { count }) => sum + count, 0))
    for (const part of ['rows', 'rowsWritten', 'pointsRead', 'refusedPoints'] as const)
      expect(mappings.reduce((sum, mapping) => sum + mapping.totals[part], 0)).toBe(totals[part])
    expect(totals).toMatchObject({ rows: 71_000, rowsWritten: 70_990, refusedLines: 10 })
  })

  it('shows measurements over time, several slices in a cell where there are many', () => {
    const { comparison } = makeReport(troubledInput())
    const [first, second] = comparison?.maps ?? []
    expect(first?.columns).toHaveLength(30)
    expect(first?.columns[0]).toEqual({
      window: { start: '2024-01-01T00:00:00Z', end: '2024-01-15T00:00:00Z' },
      slices: 2,
    })
    expect(first?.rows.map(({ points }) => points)).toEqual([180_000, 60_000])
    expect(second?.columns).toHaveLength(12)
    const outcomes = second?.rows.map(({ cells }) => cells.map(({ outcome }) => outcome.slice(0, 1)).join(''))
    expect(outcomes).toEqual(['eedeedeenenn', 'eeeeneeenenn'])
    expect(second?.rows[1]?.cells[4]?.outcome).toBe('nothing')
    expect(second?.rows[0]?.cells[8]).toEqual({
      outcome: 'not-compared',
      points: 0,
      reason: 'expired in the cluster',
    })
    expect(comparison?.slices).toEqual({ equal: 67, differs: 2, notCompared: 3 })
  })

  it('adds the time of a phase over the runs', () => {
    const { phases } = makeReport(troubledInput())
    expect(phases).toContainEqual({ phase: 'export', seconds: 120, runs: 2 })
  })

  it('includes what is planned and not begun, for a run under way', () => {
    const input = doneInput(1)
    const planned = [0, 1, 2].map((week) => ({
      id: sliceId('plant-1/plant/autogen', week),
      mapping: { target: 'plant/autogen' },
    }))
    const { mappings, verdict } = makeReport({ ...input, planned, isUnderWay: true })
    expect(mappings[0]?.slices.map(({ status }) => status)).toEqual(['written', 'pending', 'pending'])
    expect(verdict).toMatchObject({ outcome: 'under-way', headline: 'Under way: 1 of 3 slices written' })
  })
})
