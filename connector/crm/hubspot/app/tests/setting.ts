/** Stands where HubSpot stands: answers `hubspot.fetch` and remembers what was asked. */
import { RenderedNodeType } from '@hubspot/ui-extensions/testing';
import type { RenderedNode } from '@hubspot/ui-extensions/testing';

export interface Asked {
  url: string;
  method: string;
  body: Record<string, unknown> | undefined;
}

interface Options {
  method: string;
  body?: Record<string, unknown>;
}

type Answer = { status?: number; body: unknown } | 'nonsense' | 'unreachable';

let turn = 100;

/** The contact whose card is shown in this test; cards of tests before may still be looking. */
export function contact(): string {
  return String(turn);
}

/** Answer each request with the next answer, the last one for ever; return what was asked. */
export function answering(...answers: Answer[]): Asked[] {
  turn += 1;
  const whose = new RegExp(`/settings$|contact\\W+${turn}\\b`);
  const asked: Asked[] = [];
  const hsFetch = (url: string, { method, body }: Options): Promise<Response> => {
    if (!whose.test(url) && !whose.test(JSON.stringify(body ?? null))) return new Promise(() => {});
    asked.push({ url, method, body });
    return replied(answers.length > 1 ? answers.shift() : answers[0]);
  };
  Object.assign(globalThis, { self: { hsFetch } });
  return asked;
}

function replied(answer: Answer | undefined): Promise<Response> {
  if (answer === undefined || answer === 'unreachable') return Promise.reject(new Error('refused'));
  if (answer === 'nonsense') return Promise.resolve(new Response('<html>', { status: 200 }));
  const text = JSON.stringify(answer.body);
  return Promise.resolve(new Response(text, { status: answer.status ?? 200 }));
}

/** Everything that is to be read in a part of the page. */
export function words(node: RenderedNode): string {
  if (node.nodeType === RenderedNodeType.Text) return node.text;
  const inner = 'childNodes' in node ? node.childNodes : [];
  return inner.map(words).join(' ');
}
