/** What an admin sees on the app's settings page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Alert, Button, ErrorState, Link, StatusTag } from '@hubspot/ui-extensions';
import { createRenderer } from '@hubspot/ui-extensions/testing';

import { Connection } from '../src/app/settings/Connection.tsx';
import type { State } from '../src/app/settings/Connection.tsx';
import { answering, words } from './setting.ts';

const STATE: State = {
  title: 'Bäckerei Äpfel',
  state: 'active',
  sentence: 'Connected.',
  fields: [
    { label: 'Video link', name: 'cuereel_video_url', there: true },
    { label: 'Views', name: 'cuereel_views', there: false },
  ],
  console: 'https://connector.example.com/console/connections/hubspot-1',
};

function shown() {
  const renderer = createRenderer('settings');
  renderer.render(<Connection />);
  return renderer;
}

test('the page shows the connection, each field and the way to the console', async () => {
  const asked = answering({ body: STATE });
  const { find, findAll, waitFor, getRootNode } = shown();
  await waitFor(() => assert.equal(find(Alert).props.title, 'Bäckerei Äpfel'));
  assert.equal(find(Alert).props.variant, 'success');
  assert.deepEqual(findAll(StatusTag).map((tag) => tag.text), ['There', 'Missing']);
  assert.ok(words(getRootNode()).includes('1 of our 2 fields are missing'));
  assert.deepEqual(find(Link).props.href, { url: STATE.console, external: true });
  assert.equal(asked[0]?.url, 'https://connector.example.com/crm/hubspot/settings');
});

test('a connection that has to be renewed is not shown as if it worked', async () => {
  answering({ body: { ...STATE, state: 'needs_reauth', sentence: 'Connect it again.' } });
  const { find, waitFor } = shown();
  await waitFor(() => assert.equal(find(Alert).props.variant, 'danger'));
});

test('a refusal is shown in its own words, and can be tried again', async () => {
  answering({ status: 401, body: { sentence: 'Reload the page.' } }, { body: STATE });
  const { find, waitFor } = shown();
  await waitFor(() => assert.ok(words(find(ErrorState)).includes('Reload the page.')));
  find(Button).trigger('onClick');
  await waitFor(() => assert.equal(find(Alert).props.title, 'Bäckerei Äpfel'));
});
