// Generated from crates/bot-protocol/src/frame; do not edit.
// UPDATE=1 cargo test -p bot-hub --test repository

/** `ack`: the message is committed and survives a crash. */
export type Ack = {
  /** To how many other members it was handed live. */
  delivered: number;
  /** So many older entries were dropped from full buffers of absent members because of this one. */
  dropped?: number;
  /** It had been stored before; this is the first answer again. */
  duplicate?: boolean;
  /** The message's id. */
  id?: MessageId;
  /** For how many other members it waits. */
  queued?: number;
  /** The room. */
  room: RoomName;
  /** Its number in the room. */
  seq?: number;
};

/** What became of an act. */
export type ActOutcome = "done" | "applied";

/** How an act came to the hub. */
export type ActWay = "frame" | "http" | "invite" | "config" | "command";

/** The answer to an `operate`. On the wire it is the fields of the answer alone: a reader knows from its own question which answer it is. */
export type Answer = TokenMade | TokenKept | TokensRevoked | BotSwitched | BotRemoved | BotList | BotLine | Done | EntryRedacted | RoomRemoved | RoomList | RoomLine | PendingList | Observing | HubNumbers | InviteMade | InviteList | InviteRevoked | BotProfile | AuditList | PauseLine | Resumed | PauseList;

/** One act: who did what, when, from where and why. */
export type AuditLine = {
  /** From which address; absent where nobody connected for it. */
  address?: string;
  /** When. */
  at: Timestamp;
  /** About which bot. */
  bot?: BotId;
  /** Who: a bot; `config` where the file of the configuration changed; `restore` where a copy became the store. */
  by: string;
  /** With which rights. */
  can?: Array<Right | (string & {})>;
  /** The program that asked, as it named itself. */
  client?: string;
  /** What else is to know about it, for people. */
  detail?: string;
  /** The id of which invite; no secret. */
  invite?: string;
  /** What was done: the name of the operation; or `invite_claim`, `config_reload`, `restore`. */
  operation: string;
  /** What became of it. */
  outcome: ActOutcome | (string & {});
  /** In which rooms. */
  rooms?: Array<RoomName>;
  /** How it came to the hub. */
  via: ActWay | (string & {});
  /** Why, as whoever did it said. */
  why?: string;
};

/** A page of acts. It may hold less than was asked for, or nothing, and still not be the last. */
export type AuditList = {
  /** The acts. */
  acts: Array<AuditLine>;
  /** Records of this page that cannot be read any more. They may be of something else. */
  damaged?: number;
  /** There is more: the same request with this as `after` has it. */
  next?: string;
};

/** Which acts to list. */
export type AuditWish = {
  /** Goes on after a page: what its `next` was. The first page when absent. */
  after?: string;
  /** Only acts about this bot. */
  bot?: BotId;
  /** Only acts of this one: a bot, or `config`. */
  by?: string;
  /** So many acts are looked at for one answer; 500 when absent, and never more. */
  limit?: number;
  /** The newest first; otherwise the oldest. */
  newest?: boolean;
  /** Only acts from then on. */
  since?: Timestamp;
};

/** `auth`: the token, and what the client can do. */
export type Auth = {
  /** What the client can do: `ack`, `receipts`, `ranges`, `presence`, `acts`. Unknown ones are not granted. */
  caps?: Array<string>;
  /** Name and version of the client, for people: `openclaw/2026.9.6 bot-hub/0.1.0`. */
  client?: string;
  /** Takes up all memberships again, without a `join` each. Names the positions up to which the client has taken responsibility, for rooms where it knows one. */
  resume?: Record<string, Position>;
  /** A side connection: sends and asks, is delivered no messages and replaces no other connection. */
  side?: boolean;
  /** The bearer token; may be absent when the upgrade request carried it. */
  token?: Secret;
};

/** `auth_ok`. A seed client gets none of the fields. */
export type AuthOk = {
  /** Who the token belongs to. */
  bot?: BotId;
  /** Which of the wished `caps` are granted. */
  caps?: Array<string>;
  /** The life of the hub's store. */
  epoch?: Epoch;
  /** Name and version of the hub. */
  hub?: HubInfo;
  /** Bounds to respect. */
  limits?: Limits;
  /** The hub's time. */
  now?: Timestamp;
  /** Memberships, and where this bot stands in each. */
  rooms?: Array<Membership>;
};

/** A place in what waited for a bot. */
export type Backlog = {
  /** From 1. */
  index: number;
  /** How many there were when the bot came back. */
  total: number;
};

/** `ping`. */
export type Beat = {
  /** The hub's time. */
  at?: number;
};

/** `who`. */
export type BotDirectory = {
  /** The bots, by name. Without `room`, a later page may name one again. */
  bots: Array<BotInfo>;
  /** There is more: the same request with this as `after` has it. */
  next?: string;
  /** The room that was asked about. */
  room?: RoomName;
};

/** A bot's name, compared without case. */
export type BotId = string;

/** One bot of the directory. */
export type BotInfo = {
  /** What it is for; absent if nobody has said. */
  about?: string;
  /** Its name. */
  bot: BotId;
  /** When it was last connected; absent if never since the hub knows it. */
  last_seen?: Timestamp;
  /** Its remark. */
  note?: string;
  /** What it can do; absent if nobody has said. */
  skills?: Array<string>;
  /** What it is doing. */
  state: BotState | (string & {});
};

/** Everything known about one bot. */
export type BotLine = {
  /** What it is for; absent if nobody has said. */
  about?: string;
  /** Its name. */
  bot: BotId;
  /** The program of its reading connection, as that named itself; `null` without one. */
  client?: string | null;
  /** When it was made; `null` if only the configuration file knows it. */
  created_at?: Timestamp | null;
  /** Whether it is kept out: disabled, or without a token that is good. */
  disabled: boolean;
  /** The connections of it that ended in the last ten minutes; `null` if that says nothing. */
  ended_lately?: Ends | null;
  /** Whether it came by an invite. */
  guest?: boolean;
  /** When it was last connected; `null` if it never was. */
  last_seen?: Timestamp | null;
  /** Whether it has a reading connection. */
  online: boolean;
  /** Whether it has operator rights. */
  operator?: boolean;
  /** Where it was made. */
  origin?: BotOrigin | (string & {});
  /** A pause that holds for it in all rooms. */
  paused?: PauseLine;
  /** Bytes of messages that it said within a day, as far as the hub runs that long. */
  said_in_a_day?: number;
  /** What it can do; absent if nobody has said. */
  skills?: Array<string>;
  /** That it was slowed down, because it took more than its share of the hub's time; `null` if it was not. */
  slowed?: Slowed | null;
  /** How many tokens of it are good. */
  tokens?: number;
};

/** A page of the bots, by name. */
export type BotList = {
  /** The bots. */
  bots: Array<BotLine>;
  /** There is more: the same request with this as `after` has it. */
  next?: string;
};

/** Where a bot was made. */
export type BotOrigin =
  | "store"
  | "configuration file"
  | "this process";

/** What is said of a bot, from now on. */
export type BotProfile = {
  /** What it is for; absent if nobody says. */
  about?: string;
  /** Which bot. */
  bot: BotId;
  /** What it can do. */
  skills: Array<string>;
};

/** A bot is removed. */
export type BotRemoved = {
  /** Which bot. */
  bot: BotId;
  /** How many messages waited for it and are dropped. */
  dropped?: number;
  /** Always true. */
  removed: boolean;
};

/** What a bot says that it is doing, or what the hub sees of it. */
export type BotState = "online" | "idle" | "busy" | "away" | "offline";

/** A bot is disabled, or enabled again. */
export type BotSwitched = {
  /** Which bot. */
  bot: BotId;
  /** Whether it is disabled now. */
  disabled: boolean;
};

/** Who came by an invite. */
export type ClaimLine = {
  /** From which address; `null` where the asker is no operator. */
  address?: string | null;
  /** When. */
  at: Timestamp;
  /** What it is called. */
  bot: BotId;
  /** Its program, as that named itself; it may be empty. */
  client: string;
};

/** A frame from a client. Unknown fields are ignored, unknown types are refused. */
export type ClientFrame =
  | ({ type: "auth" } & Auth)
  | ({ type: "join" } & Join)
  | ({ type: "leave" } & Leave)
  | ({ type: "message" } & Message)
  | ({ type: "receipt" } & Receipt)
  | ({ type: "presence" } & Presence)
  | ({ type: "typing" } & Typing)
  | ({ type: "history" } & History)
  | ({ type: "status" } & Status)
  | ({ type: "rooms" } & Rooms)
  | ({ type: "who" } & Who)
  | ({ type: "ping" } & Ping)
  | ({ type: "operate" } & Operate);

/** `message`: one entry. The seed's fields first; a seed client gets only those, and what it must know besides (`age_ms` when it is late, `lost` when something is missing before it). */
export type Delivery = {
  /** The message as a structured act. */
  act?: unknown;
  /** How long ago it was sent. */
  age_ms?: number;
  /** Where it stands in what waited for this bot. */
  backlog?: Backlog;
  /** When it stops being worth reading. */
  expires_at?: Timestamp;
  /** The authenticated sender. */
  from: BotId;
  /** How many bots a chain of replies has passed through. */
  hops?: number;
  /** The entry's id: deduplicate by it. */
  id?: MessageId;
  /** So many entries before it were dropped (only for clients that do not know `gap`). */
  lost?: number;
  /** Whatever else the sender attached. */
  meta?: unknown;
  /** The number of the entry before it, so that a hole is noticed. */
  prev?: number;
  /** What it said was taken out of the log, and `text` is a marker. Only for the cap `redactions`. */
  redacted?: Redaction;
  /** It may have been delivered before. */
  redelivered?: boolean;
  /** The message that it answers. */
  reply_to?: MessageId;
  /** The room; `dm:<a>:<b>` for a direct message. */
  room: RoomName;
  /** When the hub took it. */
  sent_at?: Timestamp;
  /** Its number in the room. */
  seq?: number;
  /** What was said. */
  text: string;
  /** The sender's label. */
  thread?: string;
};

/** The change is committed. */
export type Done = {
  /** How many messages waited for the bot and are dropped. Absent if that is none. */
  dropped?: number;
  /** Always true. */
  ok: boolean;
};

/** How often the reading connections of a bot ended lately. */
export type Ends = {
  /** How often. */
  count: number;
  /** When the first of them was. */
  since: Timestamp;
  /** The commonest reason, for people. */
  why: string;
};

/** What an entry said is gone from the log, and who took it out. */
export type EntryRedacted = {
  /** It was redacted before: nothing changed now. */
  again?: boolean;
  /** The entry's sender. */
  from: BotId;
  /** The entry's id. */
  id: MessageId;
  /** Who redacted it, and when. */
  redacted: Redaction;
  /** The room. */
  room: RoomName;
  /** The entry's number in it. */
  seq: number;
};

/** One life of the hub's store. */
export type Epoch = string;

/** `error`: a refusal. The connection lives on unless a close follows. */
export type ErrorFrame = {
  /** The stable number (`docs/errors.md`). */
  code: number;
  /** What to do about it. */
  hint?: string;
  /** What happened, for people. */
  message: string;
  /** The stable name. */
  name: string;
  /** The `id` or the type of the frame that failed. */
  ref?: string;
  /** Whether the same request may be tried again. */
  retry: Retry | (string & {});
  /** With `later`: not before. */
  retry_after_ms?: number;
};

/** The word that stands for all rooms. */
export type EveryRoom = "all";

/** `gap`: entries that this bot will never get. */
export type Gap = {
  /** The first of them. */
  from_seq: number;
  /** How many. */
  lost: number;
  /** Why. */
  reason: GapReason | (string & {});
  /** The room. */
  room: RoomName;
  /** The last of them. */
  to_seq: number;
};

/** Why entries are missing. */
export type GapReason = "buffer_limit" | "retention" | "corrupt" | "dead" | "expired" | "epoch" | "skipped";

/** `going_away`. */
export type GoingAway = {
  /** Why. */
  reason: GoingAwayReason | (string & {});
  /** When to come back; absent means not by itself. */
  reconnect_in_ms?: number;
};

/** Why a connection ends. */
export type GoingAwayReason = "replaced" | "revoked" | "shutdown" | "too_slow";

/** `history`: a page of a room's log; the newest page when neither bound is given. */
export type History = {
  /** Entries after this seq, the oldest of them first in line. */
  after?: number;
  /** Entries before this seq, the newest of them first in line. */
  before?: number;
  /** At most so many entries. */
  limit?: number;
  /** The room. */
  room: RoomName;
};

/** `history`: entries in the order of the log. */
export type HistoryPage = {
  /** Entries that are damaged in the store and withheld, by seq. */
  corrupt?: Array<number>;
  /** The entries, oldest first. */
  entries: Array<Delivery>;
  /** Whether there is more in the direction that was asked for. */
  has_more: boolean;
  /** The room. */
  room: RoomName;
};

/** Name and version of the hub. */
export type HubInfo = {
  /** `bot-hub`. */
  name: string;
  /** Its version. */
  version: string;
};

/** The hub in numbers: as they are now, or counted since the hub was started. */
export type HubNumbers = {
  /** Since the start: messages committed. */
  accepted?: number;
  /** By how many milliseconds the time of the newest message is ahead of the hub's clock. */
  ahead_ms?: number;
  /** Now: bots that the hub knows. */
  bots?: number;
  /** Now: authenticated connections. */
  connections?: number;
  /** Since the start: damaged entries that were withheld. */
  corrupt?: number;
  /** Since the start: entries given up after too many redeliveries. */
  dead?: number;
  /** Since the start: entries handed to connections. */
  deliveries?: number;
  /** Now: bytes that the disk has left, while they are kept for receipts and operators; `null` if it has more. */
  disk_left?: number | null;
  /** Since the start: entries that a bot will never get because of a limit, the retention or its end. */
  dropped?: number;
  /** Now: entries kept. */
  entries?: number;
  /** The life of the hub's store. */
  epoch?: Epoch;
  /** Since the start: entries that expired before a bot took them. */
  expired?: number;
  /** Since the start: facts that were forgotten while the store refused them. */
  forgotten?: number;
  /** For how many milliseconds the oldest of what waits has waited; 0 if nothing waits. */
  oldest_waiting_ms?: number;
  /** Now: bots that are connected. */
  online?: number;
  /** Now: pauses. */
  pauses?: number;
  /** Since the start: entries that a client took responsibility for. */
  received?: number;
  /** Now: changes that the store refused and that are tried again. */
  refused_changes?: number;
  /** Why nothing is removed because of its age at the moment, for people; `null` if that goes on. */
  retention_waits?: string | null;
  /** Now: rooms, without direct conversations. */
  rooms?: number;
  /** The pause that holds for everything; absent if there is none. */
  stopped?: PauseLine;
  /** Now: entries that wait for some member or are not received yet, summed over members. */
  waiting?: number;
};

/** One invite. */
export type InviteLine = {
  /** Who made it. */
  by: BotId;
  /** What the bot that comes by it may do in the rooms. */
  can: Array<Right | (string & {})>;
  /** Who came by it; `null` if nobody did. */
  claim?: ClaimLine | null;
  /** When it was made. */
  created_at?: Timestamp;
  /** When its code ends. */
  expires_at: Timestamp;
  /** What `invite_revoke` names it by. */
  id: string;
  /** What the bot that comes by it is called, unless it asks for another name. */
  name: BotId;
  /** Where the bot becomes a member. */
  rooms: Array<RoomName>;
  /** How it stands. */
  state: InviteState | (string & {});
};

/** A page of invites, the newest first. */
export type InviteList = {
  /** The invites. */
  invites: Array<InviteLine>;
  /** There is more: the same request with this as `after` has it. */
  next?: string;
};

/** An invite was made. This is the only time that its code leaves the hub. */
export type InviteMade = {
  /** Whom the invited agent comes to talk with. */
  bots?: Array<BotId>;
  /** What the bot that comes by it may do in the rooms. */
  can: Array<Right | (string & {})>;
  /** The code, as people type it. */
  code: Secret;
  /** When the code ends. */
  expires_at: Timestamp;
  /** What `invite_revoke` names it by. It is no secret. */
  id: string;
  /** What the bot that comes by it is called, unless it asks for another name. */
  name: BotId;
  /** The address of the hub as others see it, if the configuration says one. */
  public_url?: string | null;
  /** Where the bot becomes a member. */
  rooms: Array<RoomName>;
  /** The rooms among them that were made for it, closed. */
  rooms_made?: Array<RoomName>;
  /** The code in the form that is recognised where secrets are searched for. */
  secret?: Secret;
};

/** An invite is revoked. */
export type InviteRevoked = {
  /** Which one. */
  id: string;
  /** Always true. */
  revoked: boolean;
};

/** How an invite stands. */
export type InviteState = "open" | "used" | "expired" | "revoked";

/** Whom to invite, and to what. */
export type InviteWish = {
  /** What it may do there; the usual when absent. */
  can?: Array<Right>;
  /** How long the code is good for; a day when absent. */
  expires_in_ms?: number;
  /** What the bot that comes by it is called, unless it asks for another name. */
  name: BotId;
  /** Where it becomes a member. */
  rooms: Array<RoomName>;
};

/** `join`: enter a room. The membership outlives the connection. */
export type Join = {
  /** The room; it is made if nobody made it before and the hub allows that. */
  room: RoomName;
};

/** `joined`. */
export type Joined = {
  /** The other members that are connected. */
  members: Array<BotId>;
  /** The room's rules. */
  policy?: Policy;
  /** Up to where this bot has received. */
  position?: Position;
  /** The room. */
  room: RoomName;
};

/** `leave`: give up a membership. */
export type Leave = {
  /** The room. */
  room: RoomName;
};

/** `left`. */
export type Left = {
  /** How many messages that waited for it are dropped, when it was the bot's own wish. */
  dropped?: number;
  /** Why, when it was not the bot's own wish. */
  reason?: string;
  /** The room. */
  room: RoomName;
};

/** Bounds announced in `auth_ok.limits`. All of them can be configured. */
export type Limits = {
  /** Entries kept per absent bot and room; `None` keeps whatever the room's retention keeps. */
  buffer_per_bot_per_room?: number;
  /** Bytes of messages that one bot may say within a day; operators are not bound. */
  bytes_per_bot_per_day?: number;
  /** The same for a guest. */
  bytes_per_guest_per_day?: number;
  /** Bytes of one frame, not counting what escaping adds to `text`. */
  frame_bytes?: number;
  /** Entries in one answer to `history`. */
  history_page?: number;
  /** Arrays and objects inside one another, over the whole frame. */
  json_depth?: number;
  /** Members of one room. */
  members_per_room?: number;
  /** Bytes of `meta` and of `act` as JSON, each. */
  meta_bytes?: number;
  /** Rooms that one bot may make by joining them; a guest makes none. */
  rooms_made_per_bot?: number;
  /** Rooms of the hub, direct conversations counted. */
  rooms_max?: number;
  /** Rooms that one bot may be a member of, direct conversations not counted. */
  rooms_per_bot?: number;
  /** Side connections that one bot may have open. */
  side_connections_per_bot?: number;
  /** Bytes of `text` in UTF-8, in whatever way it is escaped. */
  text_bytes?: number;
  /** Entries per bot and room that are delivered and not yet received. */
  window_entries?: number;
  /** Bytes of one frame as it arrives, escapes included. A hub that does not name it takes no more than `frame_bytes`. */
  wire_bytes?: number;
};

/** One member of a room. */
export type MemberLine = {
  /** The member. */
  bot: BotId;
  /** What it may do there. */
  can: Array<Right | (string & {})>;
  /** Up to which seq it has received. */
  cursor: number;
  /** Whether it has a reading connection. */
  online: boolean;
  /** A pause that holds for it there. */
  paused?: PauseLine;
  /** How many entries wait for it, or are not received yet. */
  waiting: number;
};

/** A room that the bot belongs to. */
export type Membership = {
  /** What it may do there; absent for the usual: reading, posting and requests. */
  can?: Array<Right | (string & {})>;
  /** The seq of the room's newest entry. */
  head: number;
  /** Up to where this bot has received. */
  position: Position;
  /** The room. */
  room: RoomName;
};

/** `message`: say something, either to a `room` or `to` one bot. */
export type Message = {
  /** The message as a structured act. */
  act?: unknown;
  /** From then on it is not delivered any more. */
  expires_at?: Timestamp;
  /** The client's idempotency key; the hub makes one where it is absent. */
  id?: MessageId;
  /** Whatever else the clients agree upon. */
  meta?: unknown;
  /** The message that this one answers. */
  reply_to?: MessageId;
  /** The room that it goes to. */
  room?: RoomName;
  /** What is said. */
  text: string;
  /** A free label that groups messages. */
  thread?: string;
  /** The bot that it goes to, as a direct message. */
  to?: BotId;
};

/** 1 to 64 visible ASCII characters. */
export type MessageId = string;

/** The rooms that an observer is shown. */
export type Observed =
  | EveryRoom | (string & {})
  | Record<string, number>;

/** From now on new entries are shown to this connection. */
export type Observing = {
  /** Of which rooms. */
  observing: Observed;
};

/** At most 280 characters on one line. */
export type OneLine = string;

/** `operate`: one administrative request; the answer carries the same `ref`. */
export type Operate = {
  /** What to do. */
  do: Operation;
  /** Comes back in the answer. */
  ref: string;
  /** Why, for the record that is kept of what operators do. */
  why?: OneLine;
};

/** `operated`: the answer to `operate`. */
export type Operated = {
  /** The `ref` of the request. */
  ref: string;
  /** What came of it. Which answer that is follows from the operation. */
  result: Answer;
};

/** One administrative request. */
export type Operation =
  | {
      bot_add: {
        /** The new bot. */
        bot: BotId;
        /** Whether it gets operator rights. */
        operator?: boolean;
      };
    }
  | {
      bot_list: Page;
    }
  | {
      bot_show: {
        /** The bot. */
        bot: BotId;
      };
    }
  | {
      bot_rotate_token: {
        /** The bot. */
        bot: BotId;
        /** So much later; at once when absent. */
        overlap_ms?: number;
      };
    }
  | {
      bot_prepare_token: {
        /** The bot. */
        bot: BotId;
      };
    }
  | {
      bot_keep_token: {
        /** The bot. */
        bot: BotId;
        /** When the others end; at once when absent. */
        old_ends_at?: Timestamp;
        /** Which one, as the answer of `bot_prepare_token` names it; no secret. */
        token_id: string;
      };
    }
  | {
      bot_revoke_token: {
        /** The bot. */
        bot: BotId;
      };
    }
  | {
      bot_disable: {
        /** The bot. */
        bot: BotId;
      };
    }
  | {
      bot_enable: {
        /** The bot. */
        bot: BotId;
      };
    }
  | {
      bot_remove: {
        /** The bot. */
        bot: BotId;
      };
    }
  | {
      bot_set: {
        /** What it is for. */
        about?: OneLine;
        /** The bot. */
        bot: BotId;
        /** What it can do. */
        skills?: Skills;
      };
    }
  | {
      room_list: Page;
    }
  | {
      room_show: {
        /** Goes on after a page of members: what its `next` was. */
        after?: string;
        /** At most so many members in one answer. */
        limit?: number;
        /** The room. */
        room: RoomName;
      };
    }
  | {
      room_create: {
        /** Only an operator admits members; otherwise bots may join by themselves. */
        closed?: boolean;
        /** The new room. */
        room: RoomName;
      };
    }
  | {
      room_add: {
        /** The bot. */
        bot: BotId;
        /** What it may do there. When absent: the usual for a new member, no change for another. */
        can?: Array<Right>;
        /** The room. */
        room: RoomName;
      };
    }
  | {
      room_kick: {
        /** The bot. */
        bot: BotId;
        /** The room. */
        room: RoomName;
      };
    }
  | {
      room_remove: {
        /** The room. */
        room: RoomName;
      };
    }
  | {
      room_retain: {
        /** The new rule. */
        retain: Retention;
        /** The room. */
        room: RoomName;
      };
    }
  | {
      redact: {
        /** The room. */
        room: RoomName;
        /** The entry's number in it. */
        seq: number;
      };
    }
  | {
      pending: {
        /** Goes on after a page: what its `next` was. */
        after?: string;
        /** Only for this bot. */
        bot?: BotId;
        /** At most so many memberships in one answer. */
        limit?: number;
      };
    }
  | {
      observe: {
        /** The rooms; all of them when absent, also those made later. */
        rooms?: Array<RoomName>;
      };
    }
  | {
      hub_status: Record<never, never>;
    }
  | {
      invite_create: InviteWish;
    }
  | {
      invite_list: Page;
    }
  | {
      invite_revoke: {
        /** Which one. */
        id: string;
      };
    }
  | {
      audit: AuditWish;
    }
  | {
      pause: {
        /** The bot, a member of the room if there is one; all bots when absent. */
        bot?: BotId;
        /** It ends by itself after so many milliseconds, at most a year; when absent, somebody has to resume. */
        for_ms?: number;
        /** The room; all rooms when absent. */
        room?: RoomName;
      };
    }
  | {
      resume: {
        /** The pauses of this bot; of all bots when absent. */
        bot?: BotId;
        /** The pauses of this room; of all rooms when absent. */
        room?: RoomName;
        /** What waits is settled as `declined` instead of handed over. */
        skip?: boolean;
      };
    }
  | {
      pause_list: Page;
    };

/** Which part of a list. An answer that is not the last one has a `next`. */
export type Page = {
  /** Goes on after a page: what its `next` was. The first page when absent. */
  after?: string;
  /** At most so many lines in one answer; a thousand when absent, and never more. */
  limit?: number;
};

/** `pause`: a pause that holds for the bot, or that its connection watches, begins, holds already, or ends. Only for the cap `governor`. */
export type Pause = {
  /** Which bot; absent for all. */
  bot?: BotId;
  /** The operator who paused; absent where a rule did. */
  by?: BotId;
  /** Whether it holds; otherwise it has ended. Another one may still hold. */
  on: boolean;
  /** In which room; absent for all. */
  room?: RoomName;
  /** Since when. */
  since: Timestamp;
  /** When it ends by itself; absent if it does not. */
  until?: Timestamp;
  /** Why. */
  why?: PauseWhy;
};

/** One pause. Without a room it holds in all rooms, without a bot for all bots. */
export type PauseLine = {
  /** Which bot; absent for all. */
  bot?: BotId;
  /** The operator who paused; absent where a rule did. */
  by?: BotId;
  /** In which room; absent for all. */
  room?: RoomName;
  /** Since when. */
  since: Timestamp;
  /** When it ends by itself; absent if it does not. */
  until?: Timestamp;
  /** Why. */
  why?: PauseWhy;
};

/** A page of the pauses: those of everything first, then of bots in all rooms, then room by room. */
export type PauseList = {
  /** There is more: the same request with this as `after` has it. */
  next?: string;
  /** The pauses. */
  pauses: Array<PauseLine>;
};

/** A rule that pauses by itself. */
export type PauseRule = "turns" | "repetition" | "day" | "money";

/** Why something is paused: a rule with its numbers, or what an operator said, or nothing. */
export type PauseWhy = {
  /** In which conversation, as the rule names it. */
  conversation?: string;
  /** How much the rule allows. */
  limit?: number;
  /** The rule; absent where an operator paused. */
  rule?: PauseRule | (string & {});
  /** What the operator said, for people. */
  text?: string;
  /** How much of the limit was used. */
  used?: number;
};

/** A page of what waits: one line for each bot and room. It may hold less than its bound, or nothing, and still not be the last. */
export type PendingList = {
  /** There is more: the same request with this as `after` has it. */
  next?: string;
  /** What waits. */
  pending: Array<Waiting>;
};

/** `ping`: answered with `pong`. */
export type Ping = {
  /** Comes back in the `pong`: the client's own time, or anything else. */
  at?: number;
};

/** The rules of a room. */
export type Policy = {
  /** What this bot may do there; absent for the usual: reading, posting and requests. */
  can?: Array<Right | (string & {})>;
  /** Only an operator admits members. */
  closed: boolean;
};

/** `pong`. */
export type Pong = {
  /** What the ping carried, or the hub's time. */
  at?: number;
  /** That this bot was slowed down. Absent if it never was; a seed client is not told. */
  slowed?: Slowed;
};

/** A place in a room's log: everything up to and including `seq`, in one life of the store. */
export type Position = {
  /** Which log. */
  epoch: Epoch;
  /** The entry's number in the room, from 1; 0 is the place before the first entry. */
  seq: number;
};

/** `presence`: what this bot is doing. */
export type Presence = {
  /** A short remark for people. */
  note?: string;
  /** The state to show to others. */
  state: BotState;
};

/** `presence`: what another bot is doing. */
export type PresenceNotice = {
  /** The bot. */
  bot: BotId;
  /** Its remark. */
  note?: string;
  /** Since when. */
  since: Timestamp;
  /** Its state. */
  state: BotState | (string & {});
};

/** `receipts`: the same happened to all messages of yours in a stretch of a room, for the same recipients. Only for the cap `ranges`. */
export type RangeReceipt = {
  /** When, by the hub's clock. */
  at: Timestamp;
  /** Some of them; all, where there are few. */
  bots: Array<BotId>;
  /** How many messages of yours those are. */
  count: number;
  /** The first of your messages that it is about. */
  from_seq: number;
  /** Why, for people. */
  reason?: string;
  /** For how many recipients it happened. */
  recipients: number;
  /** The room. */
  room: RoomName;
  /** What happened. */
  state: ReceiptState | (string & {});
  /** The last one; whatever you said in between is meant as well. */
  to_seq: number;
};

/** `receipt`: what this bot did with an entry that was delivered to it. */
export type Receipt = {
  /** With `id`: the sender of the entry. Two senders may have chosen the same id. */
  from?: BotId;
  /** The entry. */
  id?: MessageId;
  /** Why, for people. */
  reason?: string;
  /** With `answered`: the id of the answer. */
  reply?: MessageId;
  /** The room of the entry. */
  room: RoomName;
  /** Beside `id`: the number of that entry. Instead of `id`, and only with `received`: every entry of the room up to this one. */
  seq?: number;
  /** What happened: `received`, `started`, `answered`, `done`, `declined` or `failed`. */
  state: ReceiptState;
};

/** `receipt`: what somebody did with a message of yours. */
export type ReceiptNotice = {
  /** When, by the hub's clock. */
  at: Timestamp;
  /** The recipient. */
  bot: BotId;
  /** Your message. */
  id: MessageId;
  /** The same happened to the message for so many recipients more, which are not named one by one; `status` names them. */
  others?: number;
  /** Why, for people. */
  reason?: string;
  /** With `answered`: the answer's id. */
  reply?: MessageId;
  /** The room. */
  room: RoomName;
  /** What happened. */
  state: ReceiptState | (string & {});
};

/** A rung of the ladder, or a way off it. Each is a fact that somebody observed. */
export type ReceiptState = "stored" | "delivered" | "received" | "started" | "answered" | "done" | "declined" | "failed" | "expired" | "dropped" | "dead";

/** How far a message got with one recipient. */
export type RecipientStatus = {
  /** The recipient. */
  bot: BotId;
  /** The highest rung reached, or the way off the ladder. */
  state: ReceiptState | (string & {});
  /** Every rung that is known, in order. */
  steps: Array<Step>;
};

/** `redacted`: what an entry said was taken out of its room's log. Whoever keeps a copy removes it there, too. Only for the cap `redactions`. */
export type Redacted = {
  /** Its sender. */
  from: BotId;
  /** Its id. */
  id: MessageId;
  /** Who did it, and when. */
  redacted: Redaction;
  /** The room. */
  room: RoomName;
  /** The entry's number in it. */
  seq: number;
};

/** Who took out what an entry said. */
export type Redaction = {
  /** When, by the hub's clock. */
  at: Timestamp;
  /** The operator. */
  by: BotId;
  /** Why, as the operator said. */
  why?: string;
};

/** Pauses have ended. */
export type Resumed = {
  /** How many pauses ended. None, if there was none of what was named. */
  ended: number;
  /** A wider pause that still holds there: it ends by itself, or by a wider `resume`. */
  holds?: PauseLine;
  /** How many messages are settled as `declined`, summed over members. */
  skipped?: number;
};

/** How long a room keeps its entries; whichever bound is reached first. `None` is no bound. */
export type Retention = {
  /** Entries older than this go. */
  age_ms?: number;
  /** The oldest entries beyond this many bytes of text and extras go. */
  bytes?: number;
  /** The oldest entries beyond this number go. */
  entries?: number;
};

/** Whether and when the same request may be tried again. */
export type Retry = "never" | "later" | "after_fix";

/** One thing that a member may do in a room. */
export type Right = "read" | "post" | "request" | "invite";

/** `rooms`. */
export type RoomDirectory = {
  /** There is more: the same request with this as `after` has it. */
  next?: string;
  /** The rooms, by name. */
  rooms: Array<RoomInfo>;
};

/** One room of the directory. */
export type RoomInfo = {
  /** Only an operator admits members. */
  closed: boolean;
  /** The seq of its newest entry. */
  head: number;
  /** Whether the asking bot is a member. */
  member: boolean;
  /** How many members it has. */
  members: number;
  /** How many of them are connected. */
  online: number;
  /** A pause that holds there for the asking bot, or for all where it is no member. Only for the cap `governor`. */
  paused?: PauseLine;
  /** Its name. */
  room: RoomName;
};

/** Everything known about one room. */
export type RoomLine = {
  /** How many bytes of text and extras its entries have. */
  bytes: number;
  /** Whether only an operator admits members. */
  closed: boolean;
  /** How many entries it keeps. */
  entries: number;
  /** The seq of its oldest entry; one more than `head` in a room without entries. */
  first: number;
  /** The seq of its newest entry; 0 before the first one. */
  head: number;
  /** Its members; in `room_show` by name. */
  members: Array<MemberLine>;
  /** Only in `room_show`: there are more members, and the same request with this as `after` has them. */
  next?: string;
  /** A pause that holds for all its members. */
  paused?: PauseLine;
  /** How long it keeps its entries. */
  retain: Retention;
  /** Its name. */
  room: RoomName;
};

/** A page of the rooms, by name. */
export type RoomList = {
  /** There is more: the same request with this as `after` has it. */
  next?: string;
  /** The rooms. The last one may go on in the next page, with the rest of its members. */
  rooms: Array<RoomLine>;
};

/** A room's name, compared without case; `dm:<a>:<b>` for two bots. */
export type RoomName = string;

/** A room is gone. */
export type RoomRemoved = {
  /** How much waited for its members and is dropped: a message that waited for two counts twice. */
  dropped: number;
  /** How many messages it had. */
  entries: number;
  /** Which room. */
  room: RoomName;
};

/** `rooms`: the rooms that this bot may see, page by page. */
export type Rooms = {
  /** Goes on after a page: what its `next` was. The first page when absent. */
  after?: string;
  /** At most so many rooms in one answer; a thousand when absent, and never more. */
  limit?: number;
};

/** A token or other secret. Neither `Debug` nor `Display` shows it; [`Secret::expose`] does. */
export type Secret = string;

/** A frame from the hub. */
export type ServerFrame =
  | ({ type: "auth_ok" } & AuthOk)
  | ({ type: "joined" } & Joined)
  | ({ type: "left" } & Left)
  | ({ type: "message" } & Delivery)
  | ({ type: "ack" } & Ack)
  | ({ type: "receipt" } & ReceiptNotice)
  | ({ type: "receipts" } & RangeReceipt)
  | ({ type: "presence" } & PresenceNotice)
  | ({ type: "typing" } & TypingNotice)
  | ({ type: "history" } & HistoryPage)
  | ({ type: "status" } & StatusReport)
  | ({ type: "rooms" } & RoomDirectory)
  | ({ type: "who" } & BotDirectory)
  | ({ type: "redacted" } & Redacted)
  | ({ type: "gap" } & Gap)
  | ({ type: "going_away" } & GoingAway)
  | ({ type: "error" } & ErrorFrame)
  | ({ type: "ping" } & Beat)
  | ({ type: "pong" } & Pong)
  | ({ type: "operated" } & Operated)
  | ({ type: "pause" } & Pause);

/** One word for what a bot can do. */
export type Skill = string;

/** What a bot can do: each word once, in the order in which they were named. */
export type Skills = Array<Skill>;

/** That a bot took more than its share of the hub's time and was not read while others waited: since the oldest of its open connections came. */
export type Slowed = {
  /** How long the hub was busy with its frames. */
  busy_ms: number;
  /** For how long, altogether. */
  ms: number;
  /** How often. */
  times: number;
};

/** `status`: what became of a message. */
export type Status = {
  /** Goes on after a page: what its `next` was. The first page when absent. */
  after?: string;
  /** Its sender, when an operator asks about somebody else's message. */
  from?: BotId;
  /** The message. */
  id: MessageId;
  /** At most so many recipients in one answer; a thousand when absent, and never more. */
  limit?: number;
  /** Only the message in this room, where one id was used in several. */
  room?: RoomName;
};

/** `status`: a message's life, per recipient. */
export type StatusReport = {
  /** Its sender. */
  from: BotId;
  /** The message. */
  id: MessageId;
  /** There is more: the same request with this as `after` has it. */
  next?: string;
  /** Everybody whom it was for. */
  recipients: Array<RecipientStatus>;
  /** What it said was taken out of the log. Only for the cap `redactions`. */
  redacted?: Redaction;
  /** Its room. */
  room: RoomName;
  /** When it was stored. */
  sent_at: Timestamp;
  /** Its number in the room. */
  seq: number;
};

/** One rung that a message reached. */
export type Step = {
  /** When at the latest, by the hub's clock. */
  at: Timestamp;
  /** Why, for people. */
  reason?: string;
  /** With `answered`: the answer's id. */
  reply?: MessageId;
  /** The rung. */
  state: ReceiptState | (string & {});
};

/** Milliseconds since the Unix epoch, by the hub's clock. On the wire it is a JSON number; it stays below 2^53 for the next 280,000 years, so that JavaScript reads it exactly. */
export type Timestamp = number;

/** A prepared token is kept. */
export type TokenKept = {
  /** Whose token it is. */
  bot: BotId;
  /** The tokens made before end then; `null` if they have ended. */
  old_ends_at?: Timestamp | null;
};

/** A token was made. This is the only time that it leaves the hub. */
export type TokenMade = {
  /** Whose token it is. */
  bot: BotId;
  /** After `bot_prepare_token`: the token ends then, unless it is kept before. */
  keep_until?: Timestamp;
  /** The tokens made before end then. Absent where they have ended, or do not end. */
  old_ends_at?: Timestamp;
  /** The address of the hub as others see it, if the configuration says one. */
  public_url?: string | null;
  /** The token. */
  token: Secret;
  /** After `bot_prepare_token`: what `bot_keep_token` names the token by. It is no secret. */
  token_id?: string;
};

/** The tokens that were made at run time are revoked. */
export type TokensRevoked = {
  /** Whose tokens they were. */
  bot: BotId;
  /** How many tokens of the bot stand in the configuration file and stay good. */
  tokens?: number;
};

/** `typing`: never stored, never answered. */
export type Typing = {
  /** Where this bot is composing something. */
  room: RoomName;
};

/** `typing`. */
export type TypingNotice = {
  /** Who. */
  from: BotId;
  /** Where. */
  room: RoomName;
};

/** Why something waits, in words for people. */
export type WaitReason =
  | "disabled, or without a token"
  | "offline"
  | "connected, but has not joined the room on this connection"
  | "window full: delivered, not received"
  | "slow: does not read its socket"
  | "delivered, not received"
  | "being read from the store"
  | "paused";

/** What waits for one bot in one room, and why. */
export type Waiting = {
  /** For whom. */
  bot: BotId;
  /** How many entries are delivered and not received yet. */
  in_flight: number;
  /** For how many milliseconds the oldest one has waited; `null` if that is not known. */
  oldest_age_ms?: number | null;
  /** The seq of the oldest one. */
  oldest_seq?: number;
  /** The pause because of which it waits. */
  paused?: PauseLine;
  /** Why it waits. */
  reason: WaitReason | (string & {});
  /** Where. */
  room: RoomName;
  /** How many entries wait, or are not received yet. */
  waiting: number;
};

/** `who`: bots, and when each was last seen, page by page. */
export type Who = {
  /** Goes on after a page: what its `next` was. The first page when absent. */
  after?: string;
  /** At most so many bots in one answer; a thousand when absent, and never more. */
  limit?: number;
  /** Only the members of this room. */
  room?: RoomName;
};

/** The answer to each operation. */
export type Answers = {
  bot_add: TokenMade;
  bot_list: BotList;
  bot_show: BotLine;
  bot_rotate_token: TokenMade;
  bot_prepare_token: TokenMade;
  bot_keep_token: TokenKept;
  bot_revoke_token: TokensRevoked;
  bot_disable: BotSwitched;
  bot_enable: BotSwitched;
  bot_remove: BotRemoved;
  bot_set: BotProfile;
  room_list: RoomList;
  room_show: RoomLine;
  room_create: Done;
  room_add: Done;
  room_kick: Done;
  room_remove: RoomRemoved;
  room_retain: Done;
  redact: EntryRedacted;
  pending: PendingList;
  observe: Observing;
  hub_status: HubNumbers;
  invite_create: InviteMade;
  invite_list: InviteList;
  invite_revoke: InviteRevoked;
  audit: AuditList;
  pause: PauseLine;
  resume: Resumed;
  pause_list: PauseList;
};
