/** The JSON around answers: one document, or one a chunk. */
import { messageOf } from '../../core/failure.ts'
import { QueryError, type Statement } from './ast.ts'
import type { Piece, QueryContext } from './context.ts'
import { answer } from './execute.ts'
import { UnsupportedValue } from './json.ts'

/** `{"results":[...]}` in pieces of text. A statement's error stands in its result; defects are thrown. */
export async function* resultsJson(
  statements: readonly Statement[],
  context: QueryContext,
): AsyncGenerator<string> {
  let text = '{"results":['
  for (const [id, statement] of statements.entries()) {
    text += `${id === 0 ? '' : ','}{"statement_id":${id}`
    let open: Piece | undefined
    let first = true
    let error: string | undefined
    try {
      for await (const piece of answer(statement, context)) {
        if (piece.kind === 'series') {
          text += `${open === undefined ? ',"series":[' : ']},'}${head(piece)},"values":[`
          open = piece
          first = true
        } else {
          text += `${first ? '' : ','}${piece.json.join(',')}`
          first = false
        }
        if (text.length > 65536) {
          yield text
          text = ''
        }
      }
    } catch (thrown) {
      error = errorText(thrown)
    }
    if (open !== undefined) text += ']}]'
    text += error === undefined ? '}' : `,"error":${JSON.stringify(error)}}`
  }
  yield `${text}]}\n`
}

/** One document for at most `size` rows of one series; all but a statement's last are marked partial. */
export async function* chunkedJson(
  statements: readonly Statement[],
  context: QueryContext,
  size: number,
): AsyncGenerator<string> {
  for (const [id, statement] of statements.entries()) {
    let series: Piece | undefined
    let rows: string[] = []
    const document = (more: boolean, sameSeries: boolean) => {
      const partial = sameSeries ? ',"partial":true' : ''
      const body =
        series === undefined ? '' : `,"series":[${head(series)},"values":[${rows.join(',')}]${partial}}]`
      rows = []
      return `{"results":[{"statement_id":${id}${body}${more ? ',"partial":true' : ''}}]}\n`
    }
    try {
      for await (const piece of answer(statement, context)) {
        if (piece.kind === 'series') {
          if (series !== undefined) yield document(true, false)
          series = piece
        } else {
          for (const json of piece.json) {
            if (rows.length >= size) yield document(true, true)
            rows.push(json)
          }
        }
      }
      yield document(false, false)
    } catch (thrown) {
      yield `{"results":[{"statement_id":${id},"error":${JSON.stringify(errorText(thrown))}}]}\n`
    }
  }
}

function head(piece: Piece): string {
  if (piece.kind !== 'series') return ''
  const name = piece.name === undefined ? '' : `"name":${JSON.stringify(piece.name)},`
  const tags = piece.tags === undefined ? '' : `"tags":${JSON.stringify(piece.tags)},`
  return `{${name}${tags}"columns":${JSON.stringify(piece.columns)}`
}

function errorText(thrown: unknown): string {
  if (thrown instanceof QueryError || thrown instanceof UnsupportedValue) return messageOf(thrown)
  throw thrown
}
