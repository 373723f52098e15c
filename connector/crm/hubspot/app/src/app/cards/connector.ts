/**
 * What the card asks of Cuereel, and what it is told. HubSpot signs each request and adds which
 * account and user it comes from; nothing secret is in this page.
 */
import { hubspot } from '@hubspot/ui-extensions';

const ADDRESS = 'https://connector.example.com';
const PATIENCE = 15_000; // milliseconds; the most that HubSpot allows by default

export type Tone = 'good' | 'wait' | 'warn' | 'bad' | 'quiet';

export interface Earlier {
  id: string;
  title: string;
  label: string;
  tone: Tone;
  link: string;
  percent: number | null;
  made: string;
}

export interface Choice {
  value: string;
  label: string;
}

export interface Card {
  status: string;
  label: string;
  tone: Tone;
  sentence: string;
  waiting: boolean;
  link: string;
  thumbnail: string;
  email_html: string;
  /** The same with a picture that moves; an earlier server does not send it. */
  email_moving?: string;
  email_text: string;
  views: number | null;
  percent: number | null;
  last_viewed: string | null;
  videos: Earlier[];
  campaigns: Choice[];
}

export interface Said {
  sentence: string;
}

/** Something went wrong, in a sentence for whoever looks at the card. */
export class Problem extends Error {}

export function readCard(contact: string): Promise<Card> {
  return ask<Card>(`card?contact=${encodeURIComponent(contact)}`);
}

/** Ask for a video; the same `request` twice is one, as HubSpot repeats what nobody answered. */
export function makeVideo(contact: string, campaign: string, request: string): Promise<Said> {
  return ask<Said>('card/make', { contact, campaign, request });
}

export function newRequest(): string {
  const random = () => Math.random().toString(36).slice(2).padEnd(8, '0');
  return `${Date.now().toString(36)}-${random()}-${random()}`;
}

async function ask<T>(path: string, body?: Record<string, unknown>): Promise<T> {
  const options = body ? { method: 'POST' as const, body } : { method: 'GET' as const };
  const response = await hubspot
    .fetch(`${ADDRESS}/crm/hubspot/${path}`, { ...options, timeout: PATIENCE })
    .catch(() => {
      throw new Problem('Cuereel cannot be reached right now. Try again in a moment.');
    });
  const told: unknown = await response.json().catch(() => null);
  if (!response.ok || told === null) {
    throw new Problem(sentenceOf(told) ?? `Cuereel answered with an error (${response.status}).`);
  }
  return told as T;
}

function sentenceOf(told: unknown): string | null {
  const sentence = (told as Partial<Said> | null)?.sentence;
  return typeof sentence === 'string' && sentence ? sentence : null;
}
