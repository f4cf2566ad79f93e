/** What the manifest that `init` proposes would need for the cluster to take everything, from the source's indexes alone. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../io/clock.ts'
import type { Manifest } from '../manifest/manifest.generated.ts'
import { normalize } from '../manifest/normalize.ts'
import { parseManifest } from '../manifest/read.ts'
import { substitute } from '../manifest/variables.ts'
import { makePlan } from '../plan/make-plan.ts'
import { preflight } from '../preflight/preflight.ts'
import { mappingYaml } from '../preflight/suggestion-yaml.ts'
import { suggestionOf } from '../preflight/suggestion.ts'
import type { Catalog } from '../source/catalog.ts'

/** @param text the manifest @returns YAML by the mapping's place in it */
export async function initSuggestions(
  text: string,
  catalog: Catalog,
  signal: AbortSignal,
): Promise<Map<number, string>> {
  const { tree } = parseManifest(text, 'manifest.yaml')
  const { data } = substitute(tree?.document.toJS() as Manifest, {})
  const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-init-'))
  try {
    const normalized = normalize(data, {
      ...{ folder, env: {}, file: 'manifest.yaml', environment: undefined },
      positionOfMapping: () => ({ line: 1, column: 1, length: 1 }),
    })
    const migration = { ...normalized, spool: { ...normalized.spool, dir: folder } }
    const { plan } = makePlan(migration, [catalog], undefined)
    const findings = await preflight({
      ...{ migration, plan, slices: plan.slices, state: undefined, cluster: undefined },
      ...{ update: false, clock: systemClock, signal, isDeep: () => false },
    })
    return new Map(suggestionOf(findings).mappings.map((one) => [one.index, mappingYaml(one)]))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
