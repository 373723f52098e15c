/** The app's settings page in HubSpot. */
import { hubspot } from '@hubspot/ui-extensions';

import { Connection } from './Connection.tsx';

hubspot.extend<'settings'>(() => <Connection />);
