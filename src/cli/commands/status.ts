import { Command } from 'commander'
import { mappingOfSliceId } from '../../plan/slices.ts'
import { comparedOf, failuresOf, sumsOf } from '../../report/summary.ts'
import { table } from '../../report/table.ts'
import { formatCount } from '../../core/units.ts'
import type { State } from '../../state/state.generated.ts'
import { totalsOf } from '../../state/totals.ts'
import { envOption, jsonOption, manifestArgument, stateOption, type ManifestOptions } from '../options.ts'
import { readStateOf } from '../prepare.ts'

export function statusCommand(): Command {
  return new Command('status')
    .description('show what was done so far, from the state file alone')
    .addArgument(manifestArgument())
    .addOption(envOption())
    .addOption(stateOption())
    .addOption(jsonOption('print the state with its sums as JSON'))
    .action(async (file: string, options: ManifestOptions & { json?: boolean }) => {
      const state = await readStateOf(file, options)
      const slices = Object.keys(state.slices).map((id) => ({ id }))
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify({ ...state, totals: totalsOf(slices, state) }, null, 1)}\n`)
      } else process.stdout.write(`${showStatus(state)}\n`)
    })
}

function showStatus(state: State): string {
  const slices = Object.entries(state.slices).map(([id, { target }]) => ({
    id,
    mapping: mappingOfSliceId(id),
    target,
  }))
  const mappings = new Map(slices.map(({ mapping, target }) => [`${mapping} ${target}`, { mapping, target }]))
  const isDirect = Object.values(state.slices).some(({ status }) => status === 'sending')
  const underWay = isDirect ? ['EXPORTED', 'SENDING'] : ['EXPORTED']
  const header = ['MAPPING', 'TO', 'WRITTEN', ...underWay, 'FAILED', 'ROWS', 'REFUSED']
  const rows = [...mappings.values()].map(({ mapping, target }) => {
    const own = slices.filter((slice) => slice.mapping === mapping && slice.target === target)
    const totals = totalsOf(own, state)
    const { written, exported, sending, failed } = totals.slices
    const underWay = isDirect ? [exported, sending] : [exported]
    return [
      mapping,
      target,
      ...[written, ...underWay, failed, totals.rowsWritten, totals.refusedPoints].map(formatCount),
    ]
  })
  const last = state.runs.at(-1)
  const head = `${state.name}: last run ${last?.startedAt ?? 'never'}, ${last?.outcome ?? 'killed, or still at work'}`
  if (slices.length === 0) return `${head}\n\nNothing is exported yet.`
  return [
    head,
    '',
    table(header, rows, [2, 3, 4, 5, 6, 7]),
    '',
    sumsOf(totalsOf(slices, state)),
    ...comparedOf(slices, state),
    ...failuresOf(slices, state),
  ].join('\n')
}
