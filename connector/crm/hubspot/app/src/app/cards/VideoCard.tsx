/** The card as a part of a contact's middle column. */
import { hubspot } from '@hubspot/ui-extensions';

import { Video } from './Video.tsx';

hubspot.extend<'crm.record.tab'>(({ context, actions }) => (
  <Video contact={String(context.crm.objectId)} actions={actions} />
));
