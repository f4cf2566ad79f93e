/** The first layer: a file becomes a YAML document, or all of its syntax errors. */
import { readFile } from 'node:fs/promises'
import { LineCounter, parseDocument } from 'yaml'
import type { Diagnostic } from '../core/diagnostic.ts'
import { ExitCode, Failure, messageOf, systemCodeOf } from '../core/failure.ts'
import { positionOf, type ManifestTree } from './locate.ts'
import { syntaxErrors } from './syntax-errors.ts'

/** @throws Failure `manifest/not-found`, `manifest/is-a-folder`, `manifest/unreadable`, `manifest/not-text` */
export async function readManifestFile(file: string): Promise<string> {
  try {
    const bytes = await readFile(file)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const failed = (code: string, message: string, remedy: string) =>
      new Failure(`manifest/${code}`, message, { where: file, remedy, exit: ExitCode.manifest, cause: error })
    switch (systemCodeOf(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        throw failed(
          'not-found',
          'there is no such manifest',
          'Check the path, or write one with: influx-ferry init',
        )
      case 'EISDIR':
        throw failed('is-a-folder', 'the manifest is a folder', 'Name the file in it: manifest.yaml')
      case 'ERR_ENCODING_INVALID_ENCODED_DATA':
        throw failed('not-text', 'the manifest is not UTF-8 text', 'A manifest is a YAML file in UTF-8.')
      default:
        throw failed(
          'unreadable',
          `cannot read the manifest: ${messageOf(error)}`,
          'Check who may read the file.',
        )
    }
  }
}

/** `tree` is there when the text is YAML with keys at the top; else `diagnostics` says what is wrong, all at once. */
export function parseManifest(
  text: string,
  file: string,
): { tree?: ManifestTree; diagnostics: Diagnostic[] } {
  const lines = new LineCounter()
  // prettyErrors would put line, column and an excerpt into each message: that is done once, in show-diagnostics.ts.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const tree = { text, document, lines }
  const diagnostics = syntaxErrors(tree).map(({ start, end, code, message, hint }): Diagnostic => ({
    severity: 'error',
    code: `manifest/${code}`,
    message,
    file,
    position: positionOf(tree, start, end),
    ...(hint !== undefined && { hint }),
  }))
  return diagnostics.length > 0 ? { diagnostics } : { tree, diagnostics }
}
