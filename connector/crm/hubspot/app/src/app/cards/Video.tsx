/**
 * The card on a contact: how the newest video stands, its link and a piece of e-mail to copy,
 * what was watched, the videos before it, and a button for another one.
 */
import {
  Alert,
  Button,
  ButtonRow,
  DescriptionList,
  DescriptionListItem,
  Divider,
  EmptyState,
  ErrorState,
  Flex,
  Image,
  Link,
  LoadingButton,
  LoadingSpinner,
  Select,
  StatusTag,
  Text,
} from '@hubspot/ui-extensions';
import { useCallback, useEffect, useState } from 'react';

import { makeVideo, newRequest, Problem, readCard } from './connector.ts';
import type { Card, Choice, Earlier, Tone } from './connector.ts';

const SOON = 2_500; // milliseconds until a card whose video is being made looks again
const MOST_LOOKS = 24; // then the reader has to press Refresh
const LOOKS_FOR_NEWS = 3; // after another video was asked for, until it is decided on

const VARIANTS = {
  good: 'success',
  wait: 'info',
  warn: 'warning',
  bad: 'danger',
  quiet: 'default',
} as const satisfies Record<Tone, string>;

export interface Actions {
  addAlert: (alert: { type: 'success' | 'danger'; message: string }) => void;
  copyTextToClipboard: (text: string) => Promise<void>;
}

export function Video({ contact, actions }: { contact: string; actions: Actions }) {
  const { card, problem, refresh, expectNews } = useCard(contact);
  if (problem) {
    return (
      <ErrorState title="The video cannot be shown">
        <Text>{problem}</Text>
        <Button onClick={refresh}>Try again</Button>
      </ErrorState>
    );
  }
  if (!card) {
    return <LoadingSpinner label="Looking for the video" layout="centered" />;
  }
  return (
    <Flex direction="column" gap="small">
      {card.status ? <Newest card={card} actions={actions} /> : <Nothing />}
      <Make contact={contact} campaigns={card.campaigns} actions={actions} made={expectNews} />
      {card.videos.length > 1 && <Before videos={card.videos.slice(1)} />}
      <Button variant="transparent" size="xs" onClick={refresh}>
        Refresh
      </Button>
    </Flex>
  );
}

function useCard(contact: string) {
  const [card, setCard] = useState<Card | null>(null);
  const [problem, setProblem] = useState('');
  const [looks, setLooks] = useState(0);
  const [news, setNews] = useState(false);
  const look = useCallback(async () => {
    try {
      setCard(await readCard(contact));
      setProblem('');
    } catch (error) {
      setProblem(said(error));
    }
  }, [contact]);
  useEffect(() => {
    void look();
  }, [look]);
  useEffect(() => {
    const most = card?.waiting ? MOST_LOOKS : news ? LOOKS_FOR_NEWS : 0;
    if (looks >= most) return undefined;
    const timer = setTimeout(() => {
      setLooks(looks + 1);
      void look();
    }, SOON);
    return () => clearTimeout(timer);
  }, [card, looks, news, look]);
  const refresh = () => {
    setLooks(0);
    setNews(false);
    void look();
  };
  const expectNews = () => {
    setLooks(0);
    setNews(true);
  };
  return { card, problem, refresh, expectNews };
}

function Nothing() {
  return (
    <EmptyState title="No video yet" layout="horizontal">
      <Text>Choose a video below, or let a workflow make one.</Text>
    </EmptyState>
  );
}

function Newest({ card, actions }: { card: Card; actions: Actions }) {
  return (
    <>
      <StatusTag variant={VARIANTS[card.tone]}>{card.label}</StatusTag>
      <Text>{card.sentence}</Text>
      {card.thumbnail && (
        <Image src={card.thumbnail} alt="First picture of the video" width={320} />
      )}
      {card.link && <Copies card={card} actions={actions} />}
      <Watched card={card} />
    </>
  );
}

function Copies({ card, actions }: { card: Card; actions: Actions }) {
  const copy = (text: string, what: string) => async () => {
    try {
      await actions.copyTextToClipboard(text);
      actions.addAlert({ type: 'success', message: `${what} copied.` });
    } catch {
      actions.addAlert({ type: 'danger', message: 'The browser did not allow it to be copied.' });
    }
  };
  return (
    <>
      <ButtonRow>
        <Button variant="primary" onClick={copy(card.link, 'Link')}>
          Copy link
        </Button>
        <Button onClick={copy(card.email_html, 'E-mail HTML')}>Copy e-mail HTML</Button>
        {card.email_moving && (
          <Button onClick={copy(card.email_moving, 'E-mail HTML')}>With moving picture</Button>
        )}
        <Button onClick={copy(card.email_text, 'Text')}>Copy as text</Button>
      </ButtonRow>
      <Link href={{ url: card.link, external: true }}>Open the video</Link>
      <Text variant="microcopy">
        Opening it here counts as a view, unless you are signed in to the console of Cuereel.
      </Text>
    </>
  );
}

function Watched({ card }: { card: Card }) {
  if (card.views === null) {
    const unknown = 'Nobody has watched yet, or watching is not counted here.';
    return <Text variant="microcopy">{unknown}</Text>;
  }
  return (
    <DescriptionList direction="row">
      <DescriptionListItem label="Views">{String(card.views)}</DescriptionListItem>
      <DescriptionListItem label="Watched">{share(card.percent)}</DescriptionListItem>
      <DescriptionListItem label="Last viewed">{when(card.last_viewed)}</DescriptionListItem>
    </DescriptionList>
  );
}

interface MakeProps {
  contact: string;
  campaigns: Choice[];
  actions: Actions;
  made: () => void;
}

function Make({ contact, campaigns, actions, made }: MakeProps) {
  const [campaign, setCampaign] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const make = async () => {
    setBusy(true);
    setProblem('');
    try {
      const { sentence } = await makeVideo(contact, campaign, newRequest());
      actions.addAlert({ type: 'success', message: sentence });
      made();
    } catch (error) {
      setProblem(said(error));
    } finally {
      setBusy(false);
    }
  };
  if (campaigns.length === 0) {
    const none = 'No campaign is installed that can be made for a contact.';
    return <Text variant="microcopy">{none}</Text>;
  }
  return (
    <>
      <Divider />
      <Select
        label="Make another"
        name="campaign"
        placeholder="Choose a video"
        options={campaigns}
        value={campaign}
        onChange={(value) => setCampaign(String(value))}
      />
      {problem && <Alert title={problem} variant="danger" />}
      <LoadingButton disabled={!campaign} loading={busy} onClick={make}>
        Make it
      </LoadingButton>
    </>
  );
}

function Before({ videos }: { videos: Earlier[] }) {
  return (
    <>
      <Divider />
      <Text format={{ fontWeight: 'demibold' }}>Before</Text>
      {videos.map((video) => (
        <Flex key={video.id} direction="row" gap="small" wrap="wrap">
          <StatusTag variant={VARIANTS[video.tone]}>{video.label}</StatusTag>
          {video.link ? (
            <Link href={{ url: video.link, external: true }}>{video.title}</Link>
          ) : (
            <Text>{video.title}</Text>
          )}
          <Text variant="microcopy">{`${when(video.made)} · ${share(video.percent)}`}</Text>
        </Flex>
      ))}
    </>
  );
}

function share(percent: number | null): string {
  return percent === null ? 'not watched' : `${percent} % watched`;
}

function when(iso: string | null): string {
  return iso ? new Date(iso).toLocaleString() : 'never';
}

function said(error: unknown): string {
  return error instanceof Problem ? error.message : 'Something went wrong. Try again in a moment.';
}
