/** Plays every `*.scenario.md` of this folder against the built executable. `UPDATE_SCENARIOS=1` puts down what came. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, it, type ExpectStatic } from 'vitest'
import { formatScenario, parseScenario, type StepPart } from '../rig/scenario-file.ts'
import { matches, nameWhatVaries } from '../rig/scenario-output.ts'
import { missing, openWorld, type World } from '../rig/scenario-world.ts'

const SCHEMAS = join(import.meta.dirname, '../../schemas')
const update = process.env.UPDATE_SCENARIOS === '1'
const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.scenario.md'))
  .sort()
  .map((name) => join(import.meta.dirname, name))

describe.concurrent.each(files)('%s', (file) => {
  const scenario = parseScenario(readFileSync(file, 'utf8'))
  const why = missing(scenario.needs)

  it.skipIf(why !== undefined)(
    `${relative(import.meta.dirname, file)}: ${scenario.title}${why === undefined ? '' : ` (${why})`}`,
    // Each is a handful of processes, on a machine that may be busy with other tests.
    { timeout: 180_000 },
    async ({ expect, onTestFinished }) => {
      const world = await openWorld(scenario.needs)
      onTestFinished(() => world.close())
      let output = ''
      for (const part of scenario.parts) {
        if (part.kind === 'file') await world.write(part.path, part.content)
        if (part.kind === 'step') output += await play(part, world, expect)
      }
      expect(await world.leaks(output)).toEqual([])
      if (update) writeFileSync(file, formatScenario(scenario))
      else expect(formatScenario(scenario)).toBe(readFileSync(file, 'utf8'))
    },
  )
})

/** Runs a step and compares. @returns what it printed. */
async function play(step: StepPart, world: World, expect: ExpectStatic): Promise<string> {
  const { exitCode, stdout, stderr } = await world.run(step.command)
  const actual = { stdout: named(stdout, world), stderr: named(stderr, world) }
  for (const stream of ['stdout', 'stderr'] as const) {
    const { schema, text = '' } = step.output[stream] ?? {}
    if (schema !== undefined) expectLinesFit(actual[stream], { stdout, stderr }[stream], schema, expect)
    if (matches(actual[stream], text)) continue
    if (update) step.output[stream] = { schema, text: actual[stream] }
    else expect(`${step.command}${actual[stream]}`, stream).toBe(`${step.command}${text}`)
  }
  if (update) step.exitCode = exitCode ?? -1
  else expect(exitCode, `exit code of ${step.command}${stdout}${stderr}`).toBe(step.exitCode)
  // A stack trace is for defects.
  expect(stdout + stderr).not.toMatch(/^\s+at .*[(:/].*:\d+:\d+\)?$/m)
  return stdout + stderr
}

function named(text: string, { places }: World): string {
  const whole = text === '' || text.endsWith('\n') ? text : `${text}\n`
  return nameWhatVaries(whole, places)
}

/** Every line is a JSON value that fits the schema; or, where the whole text is one value, that one. */
function expectLinesFit(shown: string, text: string, name: string, expect: ExpectStatic): void {
  const schemas = ['event', 'plan', 'state', 'verification', 'report'].map(
    (name) => JSON.parse(readFileSync(join(SCHEMAS, `${name}.schema.json`), 'utf8')) as { $id: string },
  )
  const ajv = new Ajv2020({ strict: false, allErrors: true, schemas })
  addFormats.default(ajv)
  const id = schemas.find(({ $id }) => $id.endsWith(`/${name}.schema.json`))?.$id ?? name
  const values = name === 'event' ? text.trimEnd().split('\n') : [text]
  for (const value of values)
    expect(ajv.validate(id, JSON.parse(value)), `${shown}${ajv.errorsText()}`).toBe(true)
}
