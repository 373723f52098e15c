/** What a person who looks at a contact sees and can do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  Alert,
  Button,
  DescriptionList,
  EmptyState,
  ErrorState,
  Image,
  Link,
  LoadingButton,
  LoadingSpinner,
  Select,
  StatusTag,
} from '@hubspot/ui-extensions';
import { createRenderer } from '@hubspot/ui-extensions/testing';

import type { Card } from '../src/app/cards/connector.ts';
import { Video } from '../src/app/cards/Video.tsx';
import { answering, contact, words } from './setting.ts';

const LINK = 'https://connector.example.com/v/abc';

const READY: Card = {
  status: 'ready',
  label: 'Ready',
  tone: 'good',
  sentence: 'The video can be watched.',
  waiting: false,
  link: LINK,
  thumbnail: `${LINK}/poster.jpg`,
  email_html: '<table></table>',
  email_text: `A video for Ana: ${LINK}`,
  views: 2,
  percent: 80,
  last_viewed: '2026-11-21T19:42:11Z',
  videos: [],
  campaigns: [{ value: 'onboarding', label: 'Onboarding welcome' }],
};

const NONE: Card = {
  ...READY,
  status: '',
  label: 'No video yet',
  tone: 'quiet',
  link: '',
  thumbnail: '',
  email_html: '',
  email_text: '',
  views: null,
  percent: null,
  last_viewed: null,
};

function shown() {
  const renderer = createRenderer('crm.record.tab');
  renderer.render(<Video contact={contact()} actions={renderer.mocks.actions} />);
  const button = (text: string) => renderer.find(Button, (node) => node.text === text);
  return { ...renderer, button, actions: renderer.mocks.actions };
}

test('while Cuereel is asked, the card says so', () => {
  answering({ body: READY });
  assert.equal(shown().find(LoadingSpinner).props.label, 'Looking for the video');
});

test('a ready video shows its status, its picture and what was watched', async () => {
  const asked = answering({ body: READY });
  const { find, waitFor, getRootNode } = shown();
  await waitFor(() => find(StatusTag));
  assert.equal(find(StatusTag).text, 'Ready');
  assert.equal(find(StatusTag).props.variant, 'success');
  assert.equal(find(Image).props.src, READY.thumbnail);
  assert.ok(words(find(DescriptionList)).includes('80 % watched'));
  assert.ok(words(getRootNode()).includes('The video can be watched.'));
  const address = 'https://connector.example.com/crm/hubspot/card';
  assert.equal(asked[0]?.url, `${address}?contact=${contact()}`);
});

test('link, e-mail HTML and text are copied as they are', async () => {
  answering({ body: READY });
  const { button, waitFor, actions, find } = shown();
  await waitFor(() => find(StatusTag));
  for (const name of ['Copy link', 'Copy e-mail HTML', 'Copy as text']) {
    button(name).trigger('onClick');
  }
  assert.deepEqual(
    actions.copyTextToClipboard.calls.map(([text]) => text),
    [READY.link, READY.email_html, READY.email_text],
  );
  await called(actions.addAlert, 3);
  assert.equal(actions.addAlert.calls[0]?.[0].message, 'Link copied.');
});

test('the e-mail with a moving picture is offered where there is one', async () => {
  const moving = '<table><tr><td>moves</td></tr></table>';
  answering({ body: { ...READY, email_moving: moving } });
  const { button, waitFor, actions, find } = shown();
  await waitFor(() => find(StatusTag));
  button('With moving picture').trigger('onClick');
  assert.deepEqual(actions.copyTextToClipboard.calls, [[moving]]);
});

test('without a moving picture there is no button for it', async () => {
  answering({ body: { ...READY, email_moving: '' } });
  const { maybeFind, waitFor, find } = shown();
  await waitFor(() => find(StatusTag));
  assert.equal(maybeFind(Button, (node) => node.text === 'With moving picture'), null);
});

test('a browser that forbids copying is told of', async () => {
  answering({ body: READY });
  const { button, waitFor, actions, find } = shown();
  actions.copyTextToClipboard.willCall(() => Promise.reject(new Error('denied')));
  await waitFor(() => find(StatusTag));
  button('Copy link').trigger('onClick');
  await called(actions.addAlert, 1);
  assert.equal(actions.addAlert.calls[0]?.[0].type, 'danger');
});

test('a contact without a video is told how to get one', async () => {
  answering({ body: NONE });
  const { find, maybeFind, waitFor } = shown();
  await waitFor(() => find(EmptyState));
  assert.equal(find(EmptyState).props.title, 'No video yet');
  assert.equal(maybeFind(Image), null);
  assert.equal(maybeFind(Link), null);
});

test('a refusal shows its reason and no link', async () => {
  const refused: Card = { ...NONE, status: 'blocked_consent', label: 'Not sent: no consent' };
  answering({ body: { ...refused, sentence: 'The CRM says that the contact said no.' } });
  const { find, maybeFind, waitFor, getRootNode } = shown();
  await waitFor(() => find(StatusTag));
  assert.ok(words(getRootNode()).includes('said no'));
  assert.equal(maybeFind(Button, (node) => node.text === 'Copy link'), null);
});

test('another video is asked for once a campaign is chosen, and the card looks again', async () => {
  const queued = { ...READY, status: 'queued', label: 'Waiting', tone: 'wait' as const };
  const asked = answering(
    { body: NONE },
    { status: 202, body: { sentence: 'The video is being made.' } },
    { body: queued },
  );
  const { find, waitFor, actions } = shown();
  await waitFor(() => find(Select));
  assert.equal(find(LoadingButton).props.disabled, true);
  find(Select).trigger('onChange', 'onboarding' as never);
  await waitFor(() => assert.equal(find(LoadingButton).props.disabled, false));
  find(LoadingButton).trigger('onClick');
  await waitFor(() => assert.equal(find(StatusTag).text, 'Waiting'), { timeoutInMs: 4_000 });
  assert.equal(asked[1]?.method, 'POST');
  assert.equal(asked[1]?.url, 'https://connector.example.com/crm/hubspot/card/make');
  const { request, ...rest } = asked[1]?.body ?? {};
  assert.deepEqual(rest, { contact: contact(), campaign: 'onboarding' });
  assert.match(String(request), /^[A-Za-z0-9-]{8,64}$/);
  assert.equal(actions.addAlert.calls[0]?.[0].message, 'The video is being made.');
});

test('a video that is being made appears by itself', async () => {
  const queued = { ...READY, status: 'queued', label: 'Waiting', tone: 'wait' as const };
  const asked = answering({ body: { ...queued, waiting: true } }, { body: READY });
  const { find, waitFor } = shown();
  await waitFor(() => assert.equal(find(StatusTag).text, 'Waiting'));
  await waitFor(() => assert.equal(find(StatusTag).text, 'Ready'), { timeoutInMs: 4_000 });
  assert.equal(asked.length, 2);
});

test('two presses of the button are two requests', async () => {
  const asked = answering({ body: NONE }, { status: 202, body: { sentence: 'Soon.' } });
  const { find, waitFor } = shown();
  await waitFor(() => find(Select));
  find(Select).trigger('onChange', 'onboarding' as never);
  for (const count of [2, 3]) {
    await waitFor(() => assert.equal(find(LoadingButton).props.loading, false));
    find(LoadingButton).trigger('onClick');
    await waitFor(() => assert.equal(asked.length, count));
  }
  assert.notEqual(asked[1]?.body?.['request'], asked[2]?.body?.['request']);
});

test('a request that is refused says why and leaves the card as it is', async () => {
  const sentence = 'There is no such video any more. Reload the page and choose again.';
  answering({ body: READY }, { status: 400, body: { error: 'payload', sentence } });
  const { find, waitFor } = shown();
  await waitFor(() => find(Select));
  find(Select).trigger('onChange', 'onboarding' as never);
  find(LoadingButton).trigger('onClick');
  await waitFor(() => assert.equal(find(Alert).props.title, sentence));
  assert.equal(find(StatusTag).text, 'Ready');
});

test('an account that is not connected reads the sentence of Cuereel', async () => {
  const sentence = 'This account is not connected to Cuereel.';
  answering({ status: 404, body: { error: 'not_connected', sentence } });
  const { find, waitFor } = shown();
  await waitFor(() => assert.ok(words(find(ErrorState)).includes(sentence)));
});

for (const [answer, sentence] of [
  ['unreachable', 'Cuereel cannot be reached right now. Try again in a moment.'],
  ['nonsense', 'Cuereel answered with an error (200).'],
] as const) {
  test(`an answer that is ${answer} can be asked for again`, async () => {
    answering(answer, { body: READY });
    const { button, find, waitFor } = shown();
    await waitFor(() => assert.ok(words(find(ErrorState)).includes(sentence)));
    button('Try again').trigger('onClick');
    await waitFor(() => assert.equal(find(StatusTag).text, 'Ready'));
  });
}

test('earlier videos are listed below the newest one', async () => {
  const one = { id: '1', title: 'Onboarding', label: 'Ready', tone: 'good' as const };
  const made = '2026-11-20T10:00:00Z';
  const videos = [
    { ...one, id: '2', link: LINK, percent: null, made },
    { ...one, title: 'Older', link: `${LINK}d`, percent: 40, made },
    { ...one, id: '0', title: 'Oldest', label: 'Expired', link: '', percent: null, made },
  ];
  answering({ body: { ...READY, videos } });
  const { findAll, getRootNode, waitFor } = shown();
  await waitFor(() => assert.equal(findAll(StatusTag).length, 3));
  assert.ok(words(getRootNode()).includes('40 % watched'));
  const links = findAll(Link).map((link) => link.text);
  assert.deepEqual(links, ['Open the video', 'Older']);
});

async function called(spy: { callCount: number }, times: number): Promise<void> {
  // nothing on the page changes when an alert is shown, so there is nothing to wait for on it
  for (let turn = 0; turn < 200 && spy.callCount < times; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(spy.callCount, times);
}
