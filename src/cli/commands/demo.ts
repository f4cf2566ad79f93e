import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { query } from '../../cluster/query.ts'
import { tokenPath } from '../../cluster/tokens.ts'
import { packageFile } from '../../core/package-file.ts'
import { formatCount } from '../../core/units.ts'
import { table } from '../../report/table.ts'
import { tokenRequestsOf } from '../../run/token.ts'
import { interruptSignal } from '../interrupt.ts'
import type { ManifestOptions } from '../options.ts'
import { prepare } from '../prepare.ts'
import { report } from './report.ts'
import { run } from './run.ts'

const SAMPLE = fileURLToPath(packageFile('examples/demo'))

const WHERE_IT_IS = 'All of it is in the stand-in, which is gone when this ends.'
const TO_KEEP = `
To see its report, and all files that it leaves:
  influx-ferry demo --keep
`
const NEXT = `
Next, with data of your own:
  influx-ferry init --data-dir /var/lib/influxdb/data --out manifest.yaml
  influx-ferry plan manifest.yaml
`

export function demoCommand(): Command {
  return new Command('demo')
    .description('migrate the shipped sample into a sandbox, end to end, on this machine alone')
    .option('--keep', 'leave the folder with the manifest, the state, the dead letters and a report')
    .action(async ({ keep }: { keep?: boolean }) => {
      const signal = interruptSignal()
      const { startSandbox } = await import('../../sandbox/server.ts')
      const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-demo-'))
      const sandbox = await startSandbox({ port: 0 })
      try {
        await cp(SAMPLE, folder, { recursive: true })
        const file = join(folder, 'manifest.yaml')
        const variables = {
          ...process.env,
          INFLUX_URL: sandbox.url,
          INFLUX_MANAGEMENT_TOKEN: sandbox.managementToken,
        }
        process.stdout.write(
          'A week of a small plant, as InfluxDB 1.x stored it, into a stand-in for InfluxDB\n' +
            `Clustered at ${sandbox.url}: a rehearsal on DuckDB, not a cluster.\n\n`,
        )
        await run(file, { variables, next: WHERE_IT_IS }, signal)
        process.stdout.write(
          `\nWhat the stand-in answers to SELECT count(*):\n\n${await counts(file, { variables }, signal)}\n`,
        )
        process.stdout.write(keep === true ? await kept(folder, file, { variables }) : TO_KEEP)
        process.stdout.write(NEXT)
      } finally {
        await sandbox.close()
        if (keep !== true) await rm(folder, { recursive: true, force: true })
      }
    })
}

/** What is left for a look at it. */
async function kept(folder: string, file: string, options: ManifestOptions): Promise<string> {
  const out = join(folder, 'report.html')
  await report(file, { ...options, out })
  return `\nThe manifest, its state and its work folder: ${folder}\nThe report: ${out}\n`
}

/** Rows and values of every table, as the stand-in's `/query` counts them. */
async function counts(file: string, options: ManifestOptions, signal: AbortSignal): Promise<string> {
  const { migration, plan } = await prepare(file, options, signal, false)
  const [request] = tokenRequestsOf({ migration, plan })
  const path = request && tokenPath(migration.spool.dir, request)
  if (path === undefined) throw new Error('the demo keeps its token in a file')
  const token = (await readFile(path, 'utf8')).trim()
  const rows: string[][] = []
  for (const { name } of plan.databases) {
    for (const series of await query(migration.target, token, name, 'SELECT count(*) FROM /.*/', signal)) {
      // A field of other measurements is null here, as influxd answers FROM /.*/ too.
      const counted = series.values[0]?.slice(1).filter((count) => count !== null) ?? []
      const values = counted.map(Number)
      const sum = values.reduce((total, count) => total + count, 0)
      rows.push([name, series.name, formatCount(values.length), formatCount(sum)])
    }
  }
  return table(['DATABASE', 'MEASUREMENT', 'FIELDS', 'VALUES'], rows, [2, 3])
}
