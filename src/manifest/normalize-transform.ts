import type * as written from './manifest.generated.ts'
import type { Transform } from './migration.ts'

const SECOND = 1_000_000_000n
const PRECISIONS = { us: 1000n, ms: 1_000_000n, s: SECOND, m: 60n * SECOND, h: 3600n * SECOND }

/** Fills in the defaults of a rule. */
export function normalizeTransform(rule: written.Transform): Transform {
  const { measurement = '*', drop = false, precision } = rule
  return {
    measurement,
    drop,
    keepSeries: rule.keepSeries,
    dropSeries: rule.dropSeries,
    keepFields: rule.keepFields,
    dropFields: rule.dropFields,
    keepTags: rule.keepTags,
    dropTags: rule.dropTags,
    cast: rule.cast ?? {},
    splitByType: rule.splitByType ?? {},
    tagsToFields: rule.tagsToFields ?? [],
    fieldsToTags: rule.fieldsToTags ?? [],
    renameTags: rule.renameTags ?? {},
    renameFields: rule.renameFields ?? {},
    setTags: rule.setTags ?? {},
    splitFields: rule.splitFields ?? {},
    precision: precision === undefined ? undefined : PRECISIONS[precision],
    rename: rule.rename,
  }
}
