/** A thread that reads modules beside the main one; see read-modules.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { type SharedJobs, workOff } from './shared-work.js';

parentPort!.postMessage(workOff(workerData as SharedJobs));
