import { writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { Command, Option } from 'commander'
import { Failure, reasonOf } from '../../core/failure.ts'
import { reportAsHtml } from '../../report/html/page.ts'
import { loadReport } from '../../report/load-report.ts'
import { reportAsMarkdown } from '../../report/markdown.ts'
import type { Report } from '../../report/report.generated.ts'
import { reportAsText } from '../../report/text.ts'
import {
  envOption,
  manifestArgument,
  stateOption,
  waysToDoItAgain,
  type ManifestOptions,
} from '../options.ts'
import { readStateOf, statePathOf } from '../prepare.ts'

const FORMATS = {
  text: reportAsText,
  json: (report: Report) => `${JSON.stringify(report, null, 1)}\n`,
  markdown: reportAsMarkdown,
  html: (report: Report) => reportAsHtml(report),
}
type Format = keyof typeof FORMATS

const BY_EXTENSION: Record<string, Format> = { '.html': 'html', '.md': 'markdown', '.json': 'json' }

interface ReportOptions extends ManifestOptions {
  format?: Format
  out?: string
}

export function reportCommand(): Command {
  return new Command('report')
    .description(
      'show what was moved, compared and refused, for whoever signs it off; asks neither source nor cluster',
    )
    .addArgument(manifestArgument())
    .addOption(envOption())
    .addOption(stateOption())
    .addOption(
      new Option('--format <format>', 'default: what the name of --out says, or text').choices(
        Object.keys(FORMATS),
      ),
    )
    .option('--out <file>', 'write it to a file')
    .action(report)
}

/** Prints the report, or writes it to a file. */
export async function report(file: string, options: ReportOptions): Promise<void> {
  const model = await reportOf(file, options)
  const { out } = options
  const format = options.format ?? BY_EXTENSION[extname(out ?? '').toLowerCase()] ?? 'text'
  const text = FORMATS[format](model)
  if (out === undefined) process.stdout.write(text)
  else await writeReport(out, text)
}

async function reportOf(file: string, options: ManifestOptions): Promise<Report> {
  const { env, variables = process.env } = options
  return loadReport({
    manifest: file,
    environment: env,
    variables,
    state: await readStateOf(file, options),
    statePath: statePathOf(file, options),
    reproduce: waysToDoItAgain(file, options),
  })
}

async function writeReport(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (error) {
    throw new Failure('report/unwritable', `cannot write the report: ${reasonOf(error)}`, {
      where: path,
      remedy: 'Name a file in a folder that is there and that you may write to.',
      cause: error,
    })
  }
}
