/**
 * The settings page: how the connection stands, which of our fields are there, and the way to
 * the console.
 */
import {
  Alert,
  Button,
  ErrorState,
  Flex,
  hubspot,
  Link,
  LoadingSpinner,
  StatusTag,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableHeader,
  TableRow,
  Text,
} from '@hubspot/ui-extensions';
import { useCallback, useEffect, useState } from 'react';

const ADDRESS = 'https://connector.example.com';

interface Field {
  label: string;
  name: string;
  there: boolean;
}

export interface State {
  title: string;
  state: string;
  sentence: string;
  fields: Field[];
  console: string;
}

export function Connection() {
  const [state, setState] = useState<State | null>(null);
  const [problem, setProblem] = useState('');
  const look = useCallback(async () => {
    setProblem('');
    try {
      setState(await readState());
    } catch (error) {
      setProblem(error instanceof Error ? error.message : 'Something went wrong.');
    }
  }, []);
  useEffect(() => {
    void look();
  }, [look]);
  if (problem) {
    return (
      <ErrorState title="The connection cannot be shown">
        <Text>{problem}</Text>
        <Button onClick={() => void look()}>Try again</Button>
      </ErrorState>
    );
  }
  if (!state) {
    return <LoadingSpinner label="Asking Cuereel" layout="centered" />;
  }
  return <Shown state={state} />;
}

function Shown({ state }: { state: State }) {
  const missing = state.fields.filter((field) => !field.there).length;
  return (
    <Flex direction="column" gap="medium">
      <Alert title={state.title} variant={state.state === 'active' ? 'success' : 'danger'}>
        {state.sentence}
      </Alert>
      <Link href={{ url: state.console, external: true }}>Open the console of Cuereel</Link>
      <Text>
        {missing
          ? `${missing} of our ${state.fields.length} fields are missing; the console says why.`
          : `All of our ${state.fields.length} fields are on your contacts.`}
      </Text>
      <Fields fields={state.fields} />
    </Flex>
  );
}

function Fields({ fields }: { fields: Field[] }) {
  return (
    <Table bordered>
      <TableHead>
        <TableRow>
          <TableHeader>Field</TableHeader>
          <TableHeader>Internal name</TableHeader>
          <TableHeader>State</TableHeader>
        </TableRow>
      </TableHead>
      <TableBody>
        {fields.map((field) => (
          <TableRow key={field.name}>
            <TableCell>{field.label}</TableCell>
            <TableCell>{field.name}</TableCell>
            <TableCell>
              <StatusTag variant={field.there ? 'success' : 'warning'}>
                {field.there ? 'There' : 'Missing'}
              </StatusTag>
            </TableCell>
          </TableRow>
        ))}
      </TableBody>
    </Table>
  );
}

async function readState(): Promise<State> {
  const response = await hubspot
    .fetch(`${ADDRESS}/crm/hubspot/settings`, { method: 'GET', timeout: 15_000 })
    .catch(() => {
      throw new Error('Cuereel cannot be reached right now. Try again in a moment.');
    });
  const told: unknown = await response.json().catch(() => null);
  if (!response.ok || told === null) {
    const sentence = (told as Partial<State> | null)?.sentence;
    throw new Error(sentence ?? `Cuereel answered with an error (${response.status}).`);
  }
  return told as State;
}
