/**
 * The arrows of the house: cli -> run -> verify -> {source, lines, cluster} -> {plan, state} -> manifest -> io -> core;
 * source -> kernel -> core.
 * A folder may import those below it, never one above it or beside it.
 */
const below = {
  core: [],
  io: [],
  kernel: [],
  manifest: ['io'],
  state: ['manifest', 'plan'],
  plan: ['manifest', 'source', 'state'],
  source: ['plan', 'state', 'manifest', 'kernel'],
  lines: ['plan', 'state', 'manifest', 'kernel'],
  cluster: ['plan', 'state', 'manifest', 'lines'],
  verify: ['cluster', 'lines', 'kernel', 'plan', 'state', 'manifest', 'source'],
  sandbox: [],
  report: ['plan', 'state', 'manifest', 'lines', 'verify'],
  preflight: ['source', 'kernel', 'lines', 'cluster', 'plan', 'state', 'manifest', 'report'],
  watch: ['report', 'run', 'verify', 'plan', 'state', 'manifest', 'lines'],
  run: ['preflight', 'source', 'kernel', 'lines', 'cluster', 'verify', 'plan', 'state', 'manifest'],
}

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-listr2-file',
      severity: 'error',
      from: { pathNot: '^src/cli/tasks\\.ts$' },
      to: { path: 'node_modules/listr2' },
    },
    {
      name: 'only-execa-file',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/io/process\\.ts$' },
      to: { path: 'node_modules/execa' },
    },
    ...Object.entries(below).map(([folder, allowed]) => ({
      name: `arrows-of-${folder}`,
      comment: `src/${folder} may import ${['core', 'io', ...allowed].join(', ')}`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: `^src/(${[folder, 'core', 'io', ...allowed].join('|')})/` },
    })),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
}
