/** The same card in a contact's sidebar. */
import { hubspot } from '@hubspot/ui-extensions';

import { Video } from './Video.tsx';

hubspot.extend<'crm.record.sidebar'>(({ context, actions }) => (
  <Video contact={String(context.crm.objectId)} actions={actions} />
));
