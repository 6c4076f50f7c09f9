// Generated from driver/codegen/types.txt by tests/generated; do not edit.
//! OIDs of the built-in types. They are the same in every PostgreSQL database.

use super::Format;
use super::builtin::BuiltIn;

/// `bool`
pub const BOOL: u32 = 16;
/// `bool[]`
pub const BOOL_ARRAY: u32 = 1000;
/// `bytea`
pub const BYTEA: u32 = 17;
/// `bytea[]`
pub const BYTEA_ARRAY: u32 = 1001;
/// `char`
pub const CHAR: u32 = 18;
/// `char[]`
pub const CHAR_ARRAY: u32 = 1002;
/// `name`
pub const NAME: u32 = 19;
/// `name[]`
pub const NAME_ARRAY: u32 = 1003;
/// `int8`
pub const INT8: u32 = 20;
/// `int8[]`
pub const INT8_ARRAY: u32 = 1016;
/// `int2`
pub const INT2: u32 = 21;
/// `int2[]`
pub const INT2_ARRAY: u32 = 1005;
/// `int2vector`
pub const INT2VECTOR: u32 = 22;
/// `int2vector[]`
pub const INT2VECTOR_ARRAY: u32 = 1006;
/// `int4`
pub const INT4: u32 = 23;
/// `int4[]`
pub const INT4_ARRAY: u32 = 1007;
/// `regproc`
pub const REGPROC: u32 = 24;
/// `regproc[]`
pub const REGPROC_ARRAY: u32 = 1008;
/// `text`
pub const TEXT: u32 = 25;
/// `text[]`
pub const TEXT_ARRAY: u32 = 1009;
/// `oid`
pub const OID: u32 = 26;
/// `oid[]`
pub const OID_ARRAY: u32 = 1028;
/// `tid`
pub const TID: u32 = 27;
/// `tid[]`
pub const TID_ARRAY: u32 = 1010;
/// `xid`
pub const XID: u32 = 28;
/// `xid[]`
pub const XID_ARRAY: u32 = 1011;
/// `cid`
pub const CID: u32 = 29;
/// `cid[]`
pub const CID_ARRAY: u32 = 1012;
/// `oidvector`
pub const OIDVECTOR: u32 = 30;
/// `oidvector[]`
pub const OIDVECTOR_ARRAY: u32 = 1013;
/// `json`
pub const JSON: u32 = 114;
/// `json[]`
pub const JSON_ARRAY: u32 = 199;
/// `xml`
pub const XML: u32 = 142;
/// `xml[]`
pub const XML_ARRAY: u32 = 143;
/// `point`
pub const POINT: u32 = 600;
/// `point[]`
pub const POINT_ARRAY: u32 = 1017;
/// `lseg`
pub const LSEG: u32 = 601;
/// `lseg[]`
pub const LSEG_ARRAY: u32 = 1018;
/// `path`
pub const PATH: u32 = 602;
/// `path[]`
pub const PATH_ARRAY: u32 = 1019;
/// `box`
pub const BOX: u32 = 603;
/// `box[]`
pub const BOX_ARRAY: u32 = 1020;
/// `polygon`
pub const POLYGON: u32 = 604;
/// `polygon[]`
pub const POLYGON_ARRAY: u32 = 1027;
/// `line`
pub const LINE: u32 = 628;
/// `line[]`
pub const LINE_ARRAY: u32 = 629;
/// `cidr`
pub const CIDR: u32 = 650;
/// `cidr[]`
pub const CIDR_ARRAY: u32 = 651;
/// `float4`
pub const FLOAT4: u32 = 700;
/// `float4[]`
pub const FLOAT4_ARRAY: u32 = 1021;
/// `float8`
pub const FLOAT8: u32 = 701;
/// `float8[]`
pub const FLOAT8_ARRAY: u32 = 1022;
/// `unknown`
pub const UNKNOWN: u32 = 705;
/// `circle`
pub const CIRCLE: u32 = 718;
/// `circle[]`
pub const CIRCLE_ARRAY: u32 = 719;
/// `macaddr8`
pub const MACADDR8: u32 = 774;
/// `macaddr8[]`
pub const MACADDR8_ARRAY: u32 = 775;
/// `money`
pub const MONEY: u32 = 790;
/// `money[]`
pub const MONEY_ARRAY: u32 = 791;
/// `macaddr`
pub const MACADDR: u32 = 829;
/// `macaddr[]`
pub const MACADDR_ARRAY: u32 = 1040;
/// `inet`
pub const INET: u32 = 869;
/// `inet[]`
pub const INET_ARRAY: u32 = 1041;
/// `aclitem`
pub const ACLITEM: u32 = 1033;
/// `aclitem[]`
pub const ACLITEM_ARRAY: u32 = 1034;
/// `bpchar`
pub const BPCHAR: u32 = 1042;
/// `bpchar[]`
pub const BPCHAR_ARRAY: u32 = 1014;
/// `varchar`
pub const VARCHAR: u32 = 1043;
/// `varchar[]`
pub const VARCHAR_ARRAY: u32 = 1015;
/// `date`
pub const DATE: u32 = 1082;
/// `date[]`
pub const DATE_ARRAY: u32 = 1182;
/// `time`
pub const TIME: u32 = 1083;
/// `time[]`
pub const TIME_ARRAY: u32 = 1183;
/// `timestamp`
pub const TIMESTAMP: u32 = 1114;
/// `timestamp[]`
pub const TIMESTAMP_ARRAY: u32 = 1115;
/// `timestamptz`
pub const TIMESTAMPTZ: u32 = 1184;
/// `timestamptz[]`
pub const TIMESTAMPTZ_ARRAY: u32 = 1185;
/// `interval`
pub const INTERVAL: u32 = 1186;
/// `interval[]`
pub const INTERVAL_ARRAY: u32 = 1187;
/// `timetz`
pub const TIMETZ: u32 = 1266;
/// `timetz[]`
pub const TIMETZ_ARRAY: u32 = 1270;
/// `bit`
pub const BIT: u32 = 1560;
/// `bit[]`
pub const BIT_ARRAY: u32 = 1561;
/// `varbit`
pub const VARBIT: u32 = 1562;
/// `varbit[]`
pub const VARBIT_ARRAY: u32 = 1563;
/// `numeric`
pub const NUMERIC: u32 = 1700;
/// `numeric[]`
pub const NUMERIC_ARRAY: u32 = 1231;
/// `refcursor`
pub const REFCURSOR: u32 = 1790;
/// `refcursor[]`
pub const REFCURSOR_ARRAY: u32 = 2201;
/// `regprocedure`
pub const REGPROCEDURE: u32 = 2202;
/// `regprocedure[]`
pub const REGPROCEDURE_ARRAY: u32 = 2207;
/// `regoper`
pub const REGOPER: u32 = 2203;
/// `regoper[]`
pub const REGOPER_ARRAY: u32 = 2208;
/// `regoperator`
pub const REGOPERATOR: u32 = 2204;
/// `regoperator[]`
pub const REGOPERATOR_ARRAY: u32 = 2209;
/// `regclass`
pub const REGCLASS: u32 = 2205;
/// `regclass[]`
pub const REGCLASS_ARRAY: u32 = 2210;
/// `regtype`
pub const REGTYPE: u32 = 2206;
/// `regtype[]`
pub const REGTYPE_ARRAY: u32 = 2211;
/// `record`
pub const RECORD: u32 = 2249;
/// `record[]`
pub const RECORD_ARRAY: u32 = 2287;
/// `cstring`
pub const CSTRING: u32 = 2275;
/// `cstring[]`
pub const CSTRING_ARRAY: u32 = 1263;
/// `void`
pub const VOID: u32 = 2278;
/// `uuid`
pub const UUID: u32 = 2950;
/// `uuid[]`
pub const UUID_ARRAY: u32 = 2951;
/// `txid_snapshot`
pub const TXID_SNAPSHOT: u32 = 2970;
/// `txid_snapshot[]`
pub const TXID_SNAPSHOT_ARRAY: u32 = 2949;
/// `pg_lsn`
pub const PG_LSN: u32 = 3220;
/// `pg_lsn[]`
pub const PG_LSN_ARRAY: u32 = 3221;
/// `tsvector`
pub const TSVECTOR: u32 = 3614;
/// `tsvector[]`
pub const TSVECTOR_ARRAY: u32 = 3643;
/// `tsquery`
pub const TSQUERY: u32 = 3615;
/// `tsquery[]`
pub const TSQUERY_ARRAY: u32 = 3645;
/// `regconfig`
pub const REGCONFIG: u32 = 3734;
/// `regconfig[]`
pub const REGCONFIG_ARRAY: u32 = 3735;
/// `regdictionary`
pub const REGDICTIONARY: u32 = 3769;
/// `regdictionary[]`
pub const REGDICTIONARY_ARRAY: u32 = 3770;
/// `jsonb`
pub const JSONB: u32 = 3802;
/// `jsonb[]`
pub const JSONB_ARRAY: u32 = 3807;
/// `int4range`
pub const INT4RANGE: u32 = 3904;
/// `int4range[]`
pub const INT4RANGE_ARRAY: u32 = 3905;
/// `numrange`
pub const NUMRANGE: u32 = 3906;
/// `numrange[]`
pub const NUMRANGE_ARRAY: u32 = 3907;
/// `tsrange`
pub const TSRANGE: u32 = 3908;
/// `tsrange[]`
pub const TSRANGE_ARRAY: u32 = 3909;
/// `tstzrange`
pub const TSTZRANGE: u32 = 3910;
/// `tstzrange[]`
pub const TSTZRANGE_ARRAY: u32 = 3911;
/// `daterange`
pub const DATERANGE: u32 = 3912;
/// `daterange[]`
pub const DATERANGE_ARRAY: u32 = 3913;
/// `int8range`
pub const INT8RANGE: u32 = 3926;
/// `int8range[]`
pub const INT8RANGE_ARRAY: u32 = 3927;
/// `jsonpath`
pub const JSONPATH: u32 = 4072;
/// `jsonpath[]`
pub const JSONPATH_ARRAY: u32 = 4073;
/// `regnamespace`
pub const REGNAMESPACE: u32 = 4089;
/// `regnamespace[]`
pub const REGNAMESPACE_ARRAY: u32 = 4090;
/// `regrole`
pub const REGROLE: u32 = 4096;
/// `regrole[]`
pub const REGROLE_ARRAY: u32 = 4097;
/// `regcollation`
pub const REGCOLLATION: u32 = 4191;
/// `regcollation[]`
pub const REGCOLLATION_ARRAY: u32 = 4192;
/// `int4multirange`
pub const INT4MULTIRANGE: u32 = 4451;
/// `int4multirange[]`
pub const INT4MULTIRANGE_ARRAY: u32 = 6150;
/// `nummultirange`
pub const NUMMULTIRANGE: u32 = 4532;
/// `nummultirange[]`
pub const NUMMULTIRANGE_ARRAY: u32 = 6151;
/// `tsmultirange`
pub const TSMULTIRANGE: u32 = 4533;
/// `tsmultirange[]`
pub const TSMULTIRANGE_ARRAY: u32 = 6152;
/// `tstzmultirange`
pub const TSTZMULTIRANGE: u32 = 4534;
/// `tstzmultirange[]`
pub const TSTZMULTIRANGE_ARRAY: u32 = 6153;
/// `datemultirange`
pub const DATEMULTIRANGE: u32 = 4535;
/// `datemultirange[]`
pub const DATEMULTIRANGE_ARRAY: u32 = 6155;
/// `int8multirange`
pub const INT8MULTIRANGE: u32 = 4536;
/// `int8multirange[]`
pub const INT8MULTIRANGE_ARRAY: u32 = 6157;
/// `pg_snapshot`
pub const PG_SNAPSHOT: u32 = 5038;
/// `pg_snapshot[]`
pub const PG_SNAPSHOT_ARRAY: u32 = 5039;
/// `xid8`
pub const XID8: u32 = 5069;
/// `xid8[]`
pub const XID8_ARRAY: u32 = 271;

/// All of them, in order of their OIDs.
#[rustfmt::skip]
pub(super) const BUILT_IN: &[BuiltIn] = &[
    BuiltIn { oid: 16, name: "bool", array: 1000, format: Format::Binary },
    BuiltIn { oid: 17, name: "bytea", array: 1001, format: Format::Binary },
    BuiltIn { oid: 18, name: "char", array: 1002, format: Format::Binary },
    BuiltIn { oid: 19, name: "name", array: 1003, format: Format::Binary },
    BuiltIn { oid: 20, name: "int8", array: 1016, format: Format::Binary },
    BuiltIn { oid: 21, name: "int2", array: 1005, format: Format::Binary },
    BuiltIn { oid: 22, name: "int2vector", array: 1006, format: Format::Text },
    BuiltIn { oid: 23, name: "int4", array: 1007, format: Format::Binary },
    BuiltIn { oid: 24, name: "regproc", array: 1008, format: Format::Text },
    BuiltIn { oid: 25, name: "text", array: 1009, format: Format::Binary },
    BuiltIn { oid: 26, name: "oid", array: 1028, format: Format::Binary },
    BuiltIn { oid: 27, name: "tid", array: 1010, format: Format::Text },
    BuiltIn { oid: 28, name: "xid", array: 1011, format: Format::Text },
    BuiltIn { oid: 29, name: "cid", array: 1012, format: Format::Text },
    BuiltIn { oid: 30, name: "oidvector", array: 1013, format: Format::Text },
    BuiltIn { oid: 114, name: "json", array: 199, format: Format::Binary },
    BuiltIn { oid: 142, name: "xml", array: 143, format: Format::Text },
    BuiltIn { oid: 600, name: "point", array: 1017, format: Format::Text },
    BuiltIn { oid: 601, name: "lseg", array: 1018, format: Format::Text },
    BuiltIn { oid: 602, name: "path", array: 1019, format: Format::Text },
    BuiltIn { oid: 603, name: "box", array: 1020, format: Format::Text },
    BuiltIn { oid: 604, name: "polygon", array: 1027, format: Format::Text },
    BuiltIn { oid: 628, name: "line", array: 629, format: Format::Text },
    BuiltIn { oid: 650, name: "cidr", array: 651, format: Format::Binary },
    BuiltIn { oid: 700, name: "float4", array: 1021, format: Format::Binary },
    BuiltIn { oid: 701, name: "float8", array: 1022, format: Format::Binary },
    BuiltIn { oid: 705, name: "unknown", array: 0, format: Format::Binary },
    BuiltIn { oid: 718, name: "circle", array: 719, format: Format::Text },
    BuiltIn { oid: 774, name: "macaddr8", array: 775, format: Format::Binary },
    BuiltIn { oid: 790, name: "money", array: 791, format: Format::Text },
    BuiltIn { oid: 829, name: "macaddr", array: 1040, format: Format::Binary },
    BuiltIn { oid: 869, name: "inet", array: 1041, format: Format::Binary },
    BuiltIn { oid: 1033, name: "aclitem", array: 1034, format: Format::Text },
    BuiltIn { oid: 1042, name: "bpchar", array: 1014, format: Format::Binary },
    BuiltIn { oid: 1043, name: "varchar", array: 1015, format: Format::Binary },
    BuiltIn { oid: 1082, name: "date", array: 1182, format: Format::Binary },
    BuiltIn { oid: 1083, name: "time", array: 1183, format: Format::Binary },
    BuiltIn { oid: 1114, name: "timestamp", array: 1115, format: Format::Binary },
    BuiltIn { oid: 1184, name: "timestamptz", array: 1185, format: Format::Binary },
    BuiltIn { oid: 1186, name: "interval", array: 1187, format: Format::Binary },
    BuiltIn { oid: 1266, name: "timetz", array: 1270, format: Format::Binary },
    BuiltIn { oid: 1560, name: "bit", array: 1561, format: Format::Binary },
    BuiltIn { oid: 1562, name: "varbit", array: 1563, format: Format::Binary },
    BuiltIn { oid: 1700, name: "numeric", array: 1231, format: Format::Binary },
    BuiltIn { oid: 1790, name: "refcursor", array: 2201, format: Format::Text },
    BuiltIn { oid: 2202, name: "regprocedure", array: 2207, format: Format::Text },
    BuiltIn { oid: 2203, name: "regoper", array: 2208, format: Format::Text },
    BuiltIn { oid: 2204, name: "regoperator", array: 2209, format: Format::Text },
    BuiltIn { oid: 2205, name: "regclass", array: 2210, format: Format::Text },
    BuiltIn { oid: 2206, name: "regtype", array: 2211, format: Format::Text },
    BuiltIn { oid: 2249, name: "record", array: 2287, format: Format::Text },
    BuiltIn { oid: 2275, name: "cstring", array: 1263, format: Format::Text },
    BuiltIn { oid: 2278, name: "void", array: 0, format: Format::Binary },
    BuiltIn { oid: 2950, name: "uuid", array: 2951, format: Format::Binary },
    BuiltIn { oid: 2970, name: "txid_snapshot", array: 2949, format: Format::Text },
    BuiltIn { oid: 3220, name: "pg_lsn", array: 3221, format: Format::Binary },
    BuiltIn { oid: 3614, name: "tsvector", array: 3643, format: Format::Text },
    BuiltIn { oid: 3615, name: "tsquery", array: 3645, format: Format::Text },
    BuiltIn { oid: 3734, name: "regconfig", array: 3735, format: Format::Text },
    BuiltIn { oid: 3769, name: "regdictionary", array: 3770, format: Format::Text },
    BuiltIn { oid: 3802, name: "jsonb", array: 3807, format: Format::Binary },
    BuiltIn { oid: 3904, name: "int4range", array: 3905, format: Format::Binary },
    BuiltIn { oid: 3906, name: "numrange", array: 3907, format: Format::Binary },
    BuiltIn { oid: 3908, name: "tsrange", array: 3909, format: Format::Binary },
    BuiltIn { oid: 3910, name: "tstzrange", array: 3911, format: Format::Binary },
    BuiltIn { oid: 3912, name: "daterange", array: 3913, format: Format::Binary },
    BuiltIn { oid: 3926, name: "int8range", array: 3927, format: Format::Binary },
    BuiltIn { oid: 4072, name: "jsonpath", array: 4073, format: Format::Text },
    BuiltIn { oid: 4089, name: "regnamespace", array: 4090, format: Format::Text },
    BuiltIn { oid: 4096, name: "regrole", array: 4097, format: Format::Text },
    BuiltIn { oid: 4191, name: "regcollation", array: 4192, format: Format::Text },
    BuiltIn { oid: 4451, name: "int4multirange", array: 6150, format: Format::Binary },
    BuiltIn { oid: 4532, name: "nummultirange", array: 6151, format: Format::Binary },
    BuiltIn { oid: 4533, name: "tsmultirange", array: 6152, format: Format::Binary },
    BuiltIn { oid: 4534, name: "tstzmultirange", array: 6153, format: Format::Binary },
    BuiltIn { oid: 4535, name: "datemultirange", array: 6155, format: Format::Binary },
    BuiltIn { oid: 4536, name: "int8multirange", array: 6157, format: Format::Binary },
    BuiltIn { oid: 5038, name: "pg_snapshot", array: 5039, format: Format::Text },
    BuiltIn { oid: 5069, name: "xid8", array: 271, format: Format::Binary },
];

/// Array types and the types of their elements, in order of the arrays' OIDs.
#[rustfmt::skip]
pub(super) const ARRAYS: &[(u32, u32)] = &[
    (XML_ARRAY, XML),
    (JSON_ARRAY, JSON),
    (XID8_ARRAY, XID8),
    (LINE_ARRAY, LINE),
    (CIDR_ARRAY, CIDR),
    (CIRCLE_ARRAY, CIRCLE),
    (MACADDR8_ARRAY, MACADDR8),
    (MONEY_ARRAY, MONEY),
    (BOOL_ARRAY, BOOL),
    (BYTEA_ARRAY, BYTEA),
    (CHAR_ARRAY, CHAR),
    (NAME_ARRAY, NAME),
    (INT2_ARRAY, INT2),
    (INT2VECTOR_ARRAY, INT2VECTOR),
    (INT4_ARRAY, INT4),
    (REGPROC_ARRAY, REGPROC),
    (TEXT_ARRAY, TEXT),
    (TID_ARRAY, TID),
    (XID_ARRAY, XID),
    (CID_ARRAY, CID),
    (OIDVECTOR_ARRAY, OIDVECTOR),
    (BPCHAR_ARRAY, BPCHAR),
    (VARCHAR_ARRAY, VARCHAR),
    (INT8_ARRAY, INT8),
    (POINT_ARRAY, POINT),
    (LSEG_ARRAY, LSEG),
    (PATH_ARRAY, PATH),
    (BOX_ARRAY, BOX),
    (FLOAT4_ARRAY, FLOAT4),
    (FLOAT8_ARRAY, FLOAT8),
    (POLYGON_ARRAY, POLYGON),
    (OID_ARRAY, OID),
    (ACLITEM_ARRAY, ACLITEM),
    (MACADDR_ARRAY, MACADDR),
    (INET_ARRAY, INET),
    (TIMESTAMP_ARRAY, TIMESTAMP),
    (DATE_ARRAY, DATE),
    (TIME_ARRAY, TIME),
    (TIMESTAMPTZ_ARRAY, TIMESTAMPTZ),
    (INTERVAL_ARRAY, INTERVAL),
    (NUMERIC_ARRAY, NUMERIC),
    (CSTRING_ARRAY, CSTRING),
    (TIMETZ_ARRAY, TIMETZ),
    (BIT_ARRAY, BIT),
    (VARBIT_ARRAY, VARBIT),
    (REFCURSOR_ARRAY, REFCURSOR),
    (REGPROCEDURE_ARRAY, REGPROCEDURE),
    (REGOPER_ARRAY, REGOPER),
    (REGOPERATOR_ARRAY, REGOPERATOR),
    (REGCLASS_ARRAY, REGCLASS),
    (REGTYPE_ARRAY, REGTYPE),
    (RECORD_ARRAY, RECORD),
    (TXID_SNAPSHOT_ARRAY, TXID_SNAPSHOT),
    (UUID_ARRAY, UUID),
    (PG_LSN_ARRAY, PG_LSN),
    (TSVECTOR_ARRAY, TSVECTOR),
    (TSQUERY_ARRAY, TSQUERY),
    (REGCONFIG_ARRAY, REGCONFIG),
    (REGDICTIONARY_ARRAY, REGDICTIONARY),
    (JSONB_ARRAY, JSONB),
    (INT4RANGE_ARRAY, INT4RANGE),
    (NUMRANGE_ARRAY, NUMRANGE),
    (TSRANGE_ARRAY, TSRANGE),
    (TSTZRANGE_ARRAY, TSTZRANGE),
    (DATERANGE_ARRAY, DATERANGE),
    (INT8RANGE_ARRAY, INT8RANGE),
    (JSONPATH_ARRAY, JSONPATH),
    (REGNAMESPACE_ARRAY, REGNAMESPACE),
    (REGROLE_ARRAY, REGROLE),
    (REGCOLLATION_ARRAY, REGCOLLATION),
    (PG_SNAPSHOT_ARRAY, PG_SNAPSHOT),
    (INT4MULTIRANGE_ARRAY, INT4MULTIRANGE),
    (NUMMULTIRANGE_ARRAY, NUMMULTIRANGE),
    (TSMULTIRANGE_ARRAY, TSMULTIRANGE),
    (TSTZMULTIRANGE_ARRAY, TSTZMULTIRANGE),
    (DATEMULTIRANGE_ARRAY, DATEMULTIRANGE),
    (INT8MULTIRANGE_ARRAY, INT8MULTIRANGE),
];
