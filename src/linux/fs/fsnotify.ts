import { nothing } from '../../kernel/abi/fidelity.js';
import type { Subsystem } from '../subsystem.js';

const NOBODY = 'nobody is told what happens to files';

/** Events of files for those who watch them (fs/notify/fsnotify.c). */
export class FileNotifications implements Subsystem {
  readonly exports = {
    fsnotify: nothing(NOBODY, 0),
    __fsnotify_parent: nothing(NOBODY, 0),
  };
}
