// Package chain makes a log tamper-evident: whoever keeps 40 bytes, the head, can later prove that nothing before it was
// changed, removed, inserted or put in another order, and whoever keeps a receipt can prove that one entry belongs to it.
// The package knows nothing of what the entries say; it is a pure core without clock, store or goroutine.
//
// # The log
//
// Entries are numbered 1, 2, 3 ... without gaps, and closed in blocks of consecutive ones, as they were committed. A block has
// a Merkle tree over its entries (RFC 6962, section 2.1) and a hash that covers the block before it:
//
//	entries     1   2   3   4   5  |  6   7   8  |  9
//	             \ /     \ /    |     \ /     |     |        leaf = SHA-256(0x00 || entry)
//	              o       o     |      o      |     |        node = SHA-256(0x01 || left || right)
//	               \     /      |       \    /      |
//	                  o         |         o         |
//	                    \      /          |         |
//	                      root          root      root
//	                       |             |         |
//	genesis (zeros) --> block 1..5 --> 6..8 --> 9..9 = head
//
// The hash of a block is SHA-256 over these 104 bytes, integers being big-endian:
//
//	offset  bytes  what
//	     0     16  0x02 and "fog.chain.block", so that no leaf and no node has the hash of a block
//	    16     32  hash of the block before, zeros for the first one
//	    48      8  number of its first entry
//	    56      8  number of its last entry
//	    64      8  time of the block in microseconds since 1970
//	    72     32  root of the tree
//
// A root of RFC 6962 does not say how many leaves it has; the numbers in the header do, and the hash covers them. So what is
// claimed of a tree here always comes with its size.
//
// # What proves what
//
//   - Verifier reads a whole log, or its end, as a stream and tells the first place where it disagrees with itself. Its memory
//     is 2 KiB, however long the log and its blocks are. Who can rewrite the whole log can also make it agree with itself,
//     so a Head has to be kept elsewhere, and compared with the one that the Verifier arrives at.
//   - Receipt.Verify proves that an entry lies in the block of a certain hash: at most 31 hashes and no access to the log.
//   - Receipt.Anchor proves that this block lies before a head that is kept elsewhere: 56 bytes for each block in between.
//
// What none of them proves is that an entry has been accepted rightly. That is the business of who wrote the log.
package chain
