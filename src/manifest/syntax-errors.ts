/** All YAML errors of a text, in words that say what to write instead. */
import {
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type YAMLError,
} from 'yaml'
import type { ManifestTree } from './locate.ts'

/** Offsets into the text; `end` is exclusive. */
export interface SyntaxError {
  start: number
  end: number
  code: string
  message: string
  hint?: string
}

export function syntaxErrors({ text, document }: ManifestTree): SyntaxError[] {
  if (document.errors.length > 0) {
    const found = [...unquotedVariables(text), ...parserErrors(text, covered(text))]
    // A mistake inside of `${...}` itself is seen in the uncovered text only.
    return inOrder(found.length > 0 ? found : parserErrors(text, text))
  }
  const aliases = unresolvedAliases(document)
  if (aliases.length > 0) return aliases
  const { contents } = document
  if (isMap(contents)) return []
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null)
  const what = isEmpty ? 'the manifest is empty' : 'a manifest is made of keys and values, this is not'
  const hint = 'start with "apiVersion: influx-ferry/v1", or write a manifest with: influx-ferry init'
  return [{ start: 0, end: 1, code: isEmpty ? 'empty' : 'not-a-manifest', message: what, hint }]
}

/**
 * The parser's own errors, of a text whose variables are covered: `${X}` in flow style (`{ a: ${X} }`) is the most
 * likely mistake, and would hide every other one behind it.
 */
function parserErrors(text: string, parsed: string): SyntaxError[] {
  const { errors } = parseDocument(parsed, { prettyErrors: false })
  // After a first error the parser reports each remaining token of the file as unexpected "in YAML stream".
  const own = errors.filter(({ message }, at) => at === 0 || !message.includes('token in YAML stream'))
  return onePerLine(
    text,
    own.map((error) => ({ ...spanOf(text, error), ...explain(text, error) })),
  )
}

/** The parser marks a key by its first character. */
function spanOf(text: string, { code, pos: [start, end] }: YAMLError): { start: number; end: number } {
  const key =
    code === 'DUPLICATE_KEY' ? (/^("[^"\n]*"|'[^'\n]*'|[^\s:]+)/.exec(text.slice(start))?.[0].length ?? 1) : 0
  return { start, end: Math.max(end, start + key) }
}

/** Same text and length, each `${...}` a plain word. */
function covered(text: string): string {
  return text.replace(/\$\{[^}\n]*\}/g, (variable) => '$'.repeat(variable.length))
}

/** Each `${...}` that stands outside quotes in flow style, where its braces are YAML's. */
function unquotedVariables(text: string): SyntaxError[] {
  const document = parseDocument(covered(text), { lineCounter: new LineCounter(), prettyErrors: false })
  const found: SyntaxError[] = []
  visit(document, {
    Scalar: (_, node, parents) => {
      const isInFlow = parents.some((parent) => 'flow' in parent && parent.flow === true)
      if (!isInFlow || node.type !== 'PLAIN' || !node.range) return
      const [start, end] = node.range
      const written = text.slice(start, end)
      if (!/\$\{/.test(written)) return
      found.push({
        start,
        end,
        code: 'syntax',
        message: `${written} must be in quotes here`,
        hint: `between { } or [ ] braces belong to YAML; write "${written}"`,
      })
    },
  })
  return found
}

function explain(text: string, { code, message, pos }: YAMLError): Omit<SyntaxError, 'start' | 'end'> {
  const [start] = pos
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1).split('\n', 1)[0] ?? ''
  switch (code) {
    case 'TAB_AS_INDENT':
      return { code: 'tab', message: 'a tab cannot indent', hint: 'indent with spaces' }
    case 'DUPLICATE_KEY':
      return { code: 'duplicate-key', message: 'this key is there twice', hint: 'keep one of them' }
    case 'MULTIPLE_DOCS':
      return {
        code: 'syntax',
        message: 'a manifest is one document',
        hint: 'remove the line "---" and what follows it, or make it a file of its own',
      }
    case 'BAD_ALIAS':
      return {
        code: 'syntax',
        message: 'a plain * means something else in YAML',
        hint: 'write "*" in quotes',
      }
    case 'BAD_SCALAR_START':
      return { code: 'syntax', message: 'a value cannot start like this', hint: 'write the value in quotes' }
    case 'BLOCK_AS_IMPLICIT_KEY':
      return {
        code: 'syntax',
        message: 'a second "key:" on one line',
        hint: 'put the value in quotes, or the inner key on a line of its own',
      }
    default:
      if (/\{(database|retentionPolicy)\}/.test(line))
        return {
          code: 'syntax',
          message: 'a value that starts with { must be in quotes',
          hint: 'write target: "{database}/{retentionPolicy}"',
        }
      return { code: 'syntax', message: `not YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}` }
  }
}

function unresolvedAliases(document: Document.Parsed): SyntaxError[] {
  const found: SyntaxError[] = []
  visit(document, {
    Alias: (_, node) => {
      if (!isAlias(node) || node.resolve(document) !== undefined) return
      const [start = 0, end = 1] = node.range ?? []
      const written = `*${node.source}`
      found.push({
        start,
        end,
        code: 'syntax',
        message: `there is no anchor &${node.source}`,
        hint: `for a pattern, write "${written}" in quotes`,
      })
    },
  })
  return found
}

function onePerLine(text: string, errors: SyntaxError[]): SyntaxError[] {
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length
  const seen = new Set<number>()
  return errors.filter(({ start }) => !seen.has(lineOf(start)) && seen.add(lineOf(start)))
}

function inOrder(errors: SyntaxError[]): SyntaxError[] {
  return errors.sort((a, b) => a.start - b.start)
}
