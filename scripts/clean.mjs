/** Removes what an earlier build made: what is no longer in the source is not to be in the package. */
import { rmSync } from 'node:fs';

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
