/**
 * The rooms and the arrows between them, as docs/architecture.md draws them: `npm run check:arrows`.
 * Fails as well when the tool saw fewer files than there are: with a parser missing it sees none and calls that clean.
 */
import { readdirSync } from 'node:fs';
import { cruise } from 'dependency-cruiser';
import type { IForbiddenRuleType } from 'dependency-cruiser';

const mayImport: Record<string, string[]> = {
  core: [],
  store: ['core'],
  kube: ['core'],
  control: ['core', 'store', 'kube'],
  live: ['core', 'store', 'kube'],
  handlers: ['core', 'control', 'live', 'store'],
  metrics: ['core', 'control', 'live', 'store'],
  'local-cluster': [],
  'job-worker': ['core'],
  app: ['core', 'store', 'kube', 'control', 'live', 'handlers', 'metrics', 'local-cluster'],
};

/** Packages that belong to some rooms alone. */
const packageRooms: Record<string, string[]> = {
  'better-sqlite3': ['store', 'local-cluster'],
  '@kubernetes/client-node': ['kube', 'local-cluster'],
  undici: ['kube'],
  express: ['app', 'handlers'],
  ejs: ['app', 'handlers'],
  'prom-client': ['metrics'],
};

const inRooms = (rooms: string[]) => `^src/(${rooms.join('|')})/`;

const forbidden: IForbiddenRuleType[] = [
  ...Object.entries(mayImport).map(([room, others]): IForbiddenRuleType => ({
    name: `${room} may import ${others.join(', ') || 'no other room'}`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: '^src/', pathNot: inRooms([room, ...others]) },
  })),
  ...Object.entries(packageRooms).map(([name, rooms]): IForbiddenRuleType => ({
    name: `${name} is for ${rooms.join(' and ')}`,
    severity: 'error',
    from: { path: '^src/', pathNot: inRooms(rooms) },
    to: { path: `^node_modules/${name}/` },
  })),
  {
    name: 'core imports zod and nothing else',
    severity: 'error',
    from: { path: '^src/core/' },
    to: { dependencyTypesNot: ['local'], pathNot: '^node_modules/zod/' },
  },
  { name: 'no circles', severity: 'error', from: {}, to: { circular: true } },
  {
    name: 'only what package.json names for production',
    severity: 'error',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'] },
  },
];

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);
const { output } = await cruise(['src'], {
  ruleSet: { forbidden },
  validate: true,
  doNotFollow: { path: 'node_modules' },
  parser: 'swc',
  enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
});
if (typeof output === 'string') throw new Error(output);

for (const { from, to, rule } of output.summary.violations) console.error(`${rule.name}: ${from} -> ${to}`);
const seen = output.modules.filter(({ source }) => /^src\/.*\.ts$/.test(source)).length;
const isWhole = seen === files.length && seen > 0;
if (isWhole) console.log(`${seen} files, ${output.summary.totalDependenciesCruised ?? 0} arrows`);
else console.error(`saw ${seen} of ${files.length} files in src`);
process.exitCode = isWhole && output.summary.error === 0 ? 0 : 1;
