/**
 * npm run bundle
 *
 * Makes dist/bundle/cli: see bundle/bundle.ts.
 */
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle/bundle.js';

await bundle(fileURLToPath(new URL('../dist/bundle/cli/', import.meta.url)));
