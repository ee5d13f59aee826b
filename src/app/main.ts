import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Stripping types and compiling is most of a start, in time and in memory; what it made is kept beside the packages. `npm start` says
// the same in the environment, which spares even this file; the image names another folder there, and that one counts.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/jobspawn'));
await import('./serve.ts');
