import { expect, it } from 'vitest';
import { Listeners } from './listeners.js';

const tell = (listeners: Listeners<() => void>): void => {
  for (const listener of listeners) listener();
};

it('tells who listens, in the order they came, until they are taken off', () => {
  const listeners = new Listeners<() => void>();
  const heard: string[] = [];
  const forget = listeners.add(() => heard.push('first'));
  listeners.add(() => heard.push('second'));
  tell(listeners);
  forget();
  forget();
  tell(listeners);
  expect(heard).toEqual(['first', 'second', 'second']);
});

it('knows one function that was added twice as two', () => {
  const listeners = new Listeners<() => void>();
  let count = 0;
  const listener = (): void => void count++;
  const forget = listeners.add(listener);
  listeners.add(listener);
  forget();
  tell(listeners);
  expect(count).toBe(1);
});

it('lets one who is told take itself off or add another', () => {
  const listeners = new Listeners<() => void>();
  const heard: string[] = [];
  const forget = listeners.add(() => {
    heard.push('once');
    forget();
    listeners.add(() => heard.push('later'));
  });
  tell(listeners);
  tell(listeners);
  expect(heard).toEqual(['once', 'later']);
});
