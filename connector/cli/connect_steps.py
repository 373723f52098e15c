"""
What an admin does to connect an account: the help of `cuereel crm connect`, and the steps it prints.
"""

from __future__ import annotations

GUIDE = """\
Connect an account of CRM (hubspot or salesforce), or connect it again.

\b
HubSpot, with your app (several portals, workflow action, webhooks, card):
  1. PUBLIC_BASE_URL is an https address; HubSpot calls no other.
  2. `cuereel crm app hubspot --out hubspot-app` writes the app's project;
     in that folder, `hs project upload` creates the app.
  3. Set CUEREEL_HUBSPOT_CLIENT_ID and CUEREEL_HUBSPOT_CLIENT_SECRET to those
     on the app's Auth page and start Cuereel again.
  4. `cuereel crm connect hubspot` prints the address to open. Sign in as an
     admin, choose the portal, agree; then press "Create fields".
  5. `cuereel crm check hubspot` says what is still to mend.

\b
HubSpot, with a token (one portal; links, metrics, notes, tasks and lists):
  1. HubSpot > Settings > Integrations > Service Keys: make one.
  2. `cuereel crm connect hubspot --token-file token.txt`, or --token to be
     asked. The token is stored encrypted; delete the file.
  3. The fields are made at once. `cuereel crm check hubspot` says the rest.

\b
Scopes that are needed:
  crm.objects.contacts.read    crm.objects.contacts.write
  crm.schemas.contacts.read    crm.schemas.contacts.write
  crm.objects.owners.read      automation
and for more:
  crm.objects.companies.read   company names, account reviews
  crm.objects.deals.read       deals as triggers and outcomes
  crm.objects.carts.read       abandoned carts, with
                               crm.objects.line_items.read
  crm.objects.orders.read      orders
  crm.lists.read, .write       campaigns to lists, putting contacts on them
  tickets                      tickets as outcomes

\b
What the account's tier allows:
  Free, Starter   links and metrics (about ten fields on Free), card, webhooks
  Professional    also workflows: "Create personalised video"; with Data Hub
                  also "Send a webhook"
  Enterprise      the same, and more calls a day for a token

\b
Salesforce, with an app that the org makes for itself (one org):
  1. `cuereel crm connect salesforce` prints the steps in Setup.
  2. `cuereel crm connect salesforce --domain acme.my.salesforce.com \\
     --key 3MVG9… --secret-file secret.txt`, or --secret to be asked.
     Without a shared secret: --username and --private-key in its place.
  3. The package with our fields, objects and flows is installed at once.
     `cuereel crm check salesforce` says the rest.

\b
Salesforce, with a button (several orgs, one app of yours):
  Set CUEREEL_SALESFORCE_CLIENT_ID and CUEREEL_SALESFORCE_CLIENT_SECRET, start
  Cuereel again, and open the console's page Connections.

\b
All of it, step by step:
  connector/crm/hubspot/install.md, connector/crm/salesforce/install.md
"""
HUBSPOT_STEPS = """\
1. Open this address and sign in to the console as an admin:
   {base}/oauth/hubspot/start
2. HubSpot asks which account it is about and shows what Cuereel may do there. Choose it and agree.
3. You come back to the console. Press "Create fields" and read what was made and what was left out.
4. `cuereel crm check hubspot` says what is still to mend."""
SALESFORCE_STEPS = """\
An org lets Cuereel in by an external client app. For one org, make the app in that org (A or B).
For several orgs make it once, in an org of yours, and let admins press a button (C).

First, in the org: Setup > Users > Users > New User, for Cuereel to run as. It needs access to the
contacts, leads and other records that videos are about, and the permissions "API Enabled",
"Customize Application", "Modify Metadata Through Metadata API Functions", "Assign Permission Sets".

A. With a secret
1. Setup > Apps > External Client Apps > External Client App Manager > New External Client App.
   Name: Cuereel. Distribution State: Local.
2. API (Enable OAuth Settings) > Enable OAuth. Callback URL:
   {base}/oauth/salesforce/callback
   OAuth Scopes: "Manage user data via APIs (api)", and no other.
3. Flow Enablement > Enable Client Credentials Flow. Create.
4. Policies > Edit > OAuth Flows and External Client App Enhancements > Enable Client Credentials
   Flow. Run As: the username of that user. Save.
5. Settings > OAuth Settings > Consumer Key and Secret. Put the secret into a file, secret.txt.
6. Setup > My Domain shows the domain, such as acme.my.salesforce.com. Then
   cuereel crm connect salesforce --domain DOMAIN --key KEY --secret-file secret.txt
   connects the org and installs the package with our fields and objects. The secret is stored
   encrypted; delete the file.

B. With a private key, where no secret may be shared
1. openssl req -x509 -newkey rsa:2048 -nodes -days 730 -subj /CN=cuereel \\
     -keyout cuereel.key -out cuereel.crt
2. As A 1 and 2, with the scope "Perform requests at any time (refresh_token)" too.
3. Flow Enablement > Enable JWT Bearer Flow, and upload cuereel.crt. Create.
4. Policies > Edit > OAuth Policies > Permitted Users: "Admin approved users are pre-authorized".
   App Policies > Select Permission Sets: one that this user has. Save.
5. cuereel crm connect salesforce --key KEY --username USER --private-key cuereel.key
   (a sandbox: with --domain sandbox, or its own domain)

C. With a button
1. As A 1 and 2, with the scope "Perform requests at any time (refresh_token)" too.
2. Security: "Require secret for Web Server Flow", "Require secret for Refresh Token Flow",
   "Require Proof Key for Code Exchange (PKCE)" and "Enable Refresh Token Rotation". Create.
3. Set CUEREEL_SALESFORCE_CLIENT_ID and CUEREEL_SALESFORCE_CLIENT_SECRET to its consumer key and
   secret and start Cuereel again.
4. Open {base}/console/connections/salesforce
   as an admin, choose production, sandbox or a domain, and agree. Then press "Install package".

Afterwards `cuereel crm check salesforce` says what is still to mend. A new app takes up to ten
minutes until it works. Salesforce sends only to https addresses: set PUBLIC_BASE_URL to one."""
STEPS = {"hubspot": HUBSPOT_STEPS, "salesforce": SALESFORCE_STEPS}
