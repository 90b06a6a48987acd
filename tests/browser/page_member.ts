/** The entry of what `member_page.ts` puts into a page. */

import { Member } from "./member.ts";

(window as unknown as { Member: typeof Member }).Member = Member;
