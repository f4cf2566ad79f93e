/** From a path in the manifest's data to the place in its text. */
import { isAlias, isMap, isScalar, isSeq, type Document, type LineCounter, type Node } from 'yaml'
import type { Position } from '../core/diagnostic.ts'
import type { Path } from './finding.ts'

/** A parsed manifest, with what is needed to find places in it. */
export interface ManifestTree {
  text: string
  document: Document.Parsed
  lines: LineCounter
}

/**
 * The place of a key or value. A section (map, list) is shown by its key; a path that leads nowhere by the deepest
 * place that is there. `within` narrows a value to the part that is written so.
 */
export function locate(
  tree: ManifestTree,
  path: Path,
  at: 'key' | 'value' = 'value',
  within?: string,
): Position {
  let node: unknown = tree.document.contents
  let key: Node | undefined
  for (const step of path) {
    const parent = isAlias(node) ? node.resolve(tree.document) : node
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step))
      if (pair === undefined) break
      key = pair.key as Node
      node = pair.value
    } else if (isSeq(parent) && parent.items[Number(step)] !== undefined) {
      key = undefined
      node = parent.items[Number(step)]
    } else {
      break
    }
  }
  const value = node as Node | null
  const isShownByKey = at === 'key' || !isScalar(value) || value.source === ''
  const [start = 0, end = 0] = (key !== undefined && isShownByKey ? key : value)?.range ?? []
  const offset = within === undefined ? -1 : tree.text.slice(start, end).indexOf(within)
  return offset < 0
    ? positionOf(tree, start, end)
    : positionOf(tree, start + offset, start + offset + (within?.length ?? 0))
}

/** The place of a stretch of text; what goes over several lines is cut at the end of the first. */
export function positionOf(
  { text, lines }: Omit<ManifestTree, 'document'>,
  start: number,
  end: number,
): Position {
  const from = Math.min(start, text.length)
  const newline = text.slice(from, end).search(/\r?\n/)
  const { line, col } = lines.linePos(from)
  return {
    line: Math.max(1, line),
    column: Math.max(1, col),
    length: Math.max(1, newline < 0 ? end - from : newline),
  }
}
