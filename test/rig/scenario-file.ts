/** Scenarios: Markdown files that a person reads from top to bottom, and that the runner plays (test/scenario/README.md). */

export interface Scenario {
  title: string
  /** `sandbox`, `influx_inspect`, `root`, ... */
  needs: string[]
  parts: Part[]
}

export type Part = { kind: 'text'; text: string } | FilePart | StepPart

interface FilePart {
  kind: 'file'
  info: string
  path: string
  content: string
}

/** A command line, and what comes of it. */
export interface StepPart {
  kind: 'step'
  command: string
  exitCode: number
  output: Partial<Record<Stream, Output>>
}

export type Stream = 'stdout' | 'stderr'

interface Output {
  /** Name of the schema that every line fits. */
  schema: string | undefined
  text: string
}

const FENCE = /^```(\S+)(?: ([^\n]*))?\n(.*?)^```\n/gms

export function parseScenario(text: string): Scenario {
  const parts: Part[] = []
  let from = 0
  for (const match of text.matchAll(FENCE)) {
    const [whole, language = '', info = '', content = ''] = match
    const between = text.slice(from, match.index)
    const step = parts.findLast((part) => part.kind === 'step')
    from = match.index + whole.length
    if (between.trim() !== '') parts.push({ kind: 'text', text: between.trim() })
    const option = (name: string) => new RegExp(`(?:^| )${name}=(\\S+)`).exec(info)?.[1]
    const path = option('file')
    if (path !== undefined) parts.push({ kind: 'file', info: `${language} ${info}`, path, content })
    else if (language === 'sh')
      parts.push({ kind: 'step', command: content, exitCode: Number(option('exit') ?? 0), output: {} })
    else if (isStream(language) && step !== undefined)
      step.output[language] = { schema: option('schema'), text: content }
    else throw new Error(`a block that means nothing: ${language} ${info}`)
  }
  const rest = text.slice(from).trim()
  if (rest !== '') parts.push({ kind: 'text', text: rest })
  const needs = /^Needs: (.*)\.$/m.exec(text)?.[1]?.split(', ') ?? []
  return { title: /^# (.*)$/m.exec(text)?.[1] ?? '', needs, parts }
}

export function formatScenario({ parts }: Scenario): string {
  return parts.map((part) => `${formatPart(part)}\n`).join('\n')
}

function formatPart(part: Part): string {
  switch (part.kind) {
    case 'text':
      return part.text
    case 'file':
      return fence(part.info, part.content)
    case 'step': {
      const { exitCode, output } = part
      const streams = (['stdout', 'stderr'] as const).flatMap((stream) => {
        const { text = '', schema } = output[stream] ?? {}
        return text === '' ? [] : [fence(schema === undefined ? stream : `${stream} schema=${schema}`, text)]
      })
      return [fence(exitCode === 0 ? 'sh' : `sh exit=${exitCode}`, part.command), ...streams].join('\n\n')
    }
  }
}

function fence(info: string, content: string): string {
  return `\`\`\`${info}\n${content}\`\`\``
}

function isStream(text: string): text is Stream {
  return text === 'stdout' || text === 'stderr'
}
